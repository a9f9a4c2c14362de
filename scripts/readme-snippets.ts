/** Copies the files that README.md shows into it: each code block after a line such as `<!-- from src/client/urql.ts -->`. */
import { readFileSync, writeFileSync } from 'node:fs';

const README = 'README.md';
const BLOCK = /(<!-- from (\S+) -->\n\n```\w+\n)[\s\S]*?(```\n)/g;
/** In a file that has more than the reader needs, what stands between these. */
const REGION = /^\S+ ?#?region readme\n([\s\S]*?)\n*^\S+ ?#?endregion$/m;

function snippet(path: string): string {
  const text = readFileSync(path, 'utf8');
  return `${(REGION.exec(text)?.[1] ?? text).trim()}\n`;
}

const readme = readFileSync(README, 'utf8');
writeFileSync(
  README,
  readme.replace(BLOCK, (_block, opening: string, path: string, closing: string) => opening + snippet(path) + closing),
);

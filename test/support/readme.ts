import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export const ROOT = join(import.meta.dirname, '../..');

export interface CodeBlock {
  readonly language: string;
  readonly code: string;
  /** What is said before it, since the block before. */
  readonly lead: string;
}

export function readReadme(folder = ROOT): string {
  return readFileSync(join(folder, 'README.md'), 'utf8');
}

/** The code blocks, in order. */
export function codeBlocks(markdown: string): CodeBlock[] {
  return [...markdown.matchAll(/([\s\S]*?)^```(\w+)\n([\s\S]*?)^```$/gm)].map(
    ([, lead = '', language = '', code = '']) => ({
      language,
      code,
      lead,
    }),
  );
}

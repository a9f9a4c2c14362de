import { readFileSync } from 'node:fs';

// Plain JavaScript without modern syntax, so that an old Node gets as far as the message below. Newer ones run the
// TypeScript sources as they are, which an old one refuses with ERR_UNKNOWN_FILE_EXTENSION.
const { engines } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
const required = parseInt(engines.node.replace(/\D/g, ''), 10);

if (parseInt(process.versions.node, 10) < required) {
  process.stderr.write(
    `Avatar Quota requires Node.js ${required} or later, but ${process.execPath} is ${process.version}. ` +
      `Install Node.js ${required}, or run \`npm ci --omit=dev\`, which adds it to this project for its npm scripts.\n`,
  );
  process.exit(1);
}

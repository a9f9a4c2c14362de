import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { runCommandLine } from '../support/node-process.ts';

/** Lets Node say that it is an older one. */
const POSE_AS_OLD =
  "data:text/javascript,Object.defineProperty(process,'versions',{value:{...process.versions,node:'20.19.0'}})";

const SENTENCE =
  /^Avatar Quota requires Node\.js 24 or later, but \S+ is v\S+\. Install Node\.js 24, or run `npm ci --omit=dev`, [^\n]+\.\n$/;

it.each([
  ['the service', ['src/start.js']],
  ['a command', ['--import', './src/require-node.js', 'scripts/token.ts', '--user', 'ann']],
])('%s says what it needs on an older Node', async (_what, args) => {
  const { code, output, errors } = await runCommandLine([process.execPath, '--import', POSE_AS_OLD, ...args], {});
  expect({ code, output }).toEqual({ code: 1, output: '' });
  expect(errors).toMatch(SENTENCE);
});

it('every script of package.json that an operator runs checks the version first', async () => {
  const { scripts } = JSON.parse(await readFile('package.json', 'utf8'));
  const { start, audit, token, quota, price, reconcile, example } = scripts;
  expect(start).toBe('exec node src/start.js');
  for (const script of [audit, token, quota, price, reconcile, example]) {
    expect(script).toMatch(/^node --import \.\/src\/require-node\.js scripts\//);
  }
});

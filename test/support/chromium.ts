import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { chromium } from 'playwright-core';
import type { TestContext } from 'vitest';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];
const FOLDERS = ['/usr/bin', ...(process.env.PATH ?? '').split(delimiter)];

/** No sandbox, for root; and nothing that Chromium does on its own account. */
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Longer than a minute, which is what the demo's warning takes. */
const LONGEST_WAIT_MS = 90_000;

/**
 * A browser window of the size of the documentation's pictures, without a history. Where no Chromium is installed the
 * test is skipped, except in CI, where it fails. Disposing closes the browser.
 */
export async function openBrowser({ skip }: TestContext) {
  const executablePath = findChromium();
  if (!executablePath) {
    const reason = `None of ${NAMES.join(', ')} is installed`;
    if (process.env.CI === 'true') throw new Error(reason);
    return skip(reason);
  }
  await using started = new AsyncDisposableStack();
  const browser = await chromium.launch({ executablePath, args: FLAGS });
  started.defer(() => browser.close());
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  context.setDefaultTimeout(LONGEST_WAIT_MS);
  const running = started.move();
  return { context, [Symbol.asyncDispose]: () => running.disposeAsync() };
}

function findChromium(): string | undefined {
  return FOLDERS.flatMap((folder) => NAMES.map((name) => join(folder, name))).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

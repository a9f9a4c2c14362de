import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openBrowser } from '../support/chromium.ts';
import { ExampleTab } from '../support/example-app.ts';
import { codeBlocks, ROOT, readReadme } from '../support/readme.ts';
import { typeCommands } from '../support/terminal.ts';

const README_PORT = 4000;

it('the README’s commands, typed into a new clone, do what it says', { timeout: 900_000 }, async (context) => {
  await using parts = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'avatar-quota-readme-'));
  parts.defer(() => rm(folder, { recursive: true }));
  execFileSync('git', ['clone', '--quiet', ROOT, folder]);
  const port = await choosePort();
  const settings = port === README_PORT ? {} : { PORT: String(port) };
  const shown = codeBlocks(readReadme(folder)).map(({ code }) =>
    code.replaceAll('4000', `${port}`).replaceAll('4001', `${port + 1}`),
  );
  const [start = '', started = '', example = '', addresses = '', query = '', answer = ''] = shown;

  await parts.use(typeCommands(start, folder, settings)).prints(started);
  await parts.use(typeCommands(query, folder, settings)).prints(answer);
  await parts.use(typeCommands(example, folder, settings)).prints(addresses);
  expect(await readFile(join(folder, '.data/auth-secret'), 'utf8')).toHaveLength(64);

  const browser = parts.use(await openBrowser(context));
  const tab = await ExampleTab.open(browser.context, addresses.split('\n')[0] ?? '');
  await tab.press('Start');
  await tab.see('You have used 48 of 60 minutes this month.');
  if (process.env.UPDATE_SCREENSHOTS !== undefined) {
    await tab.page.setViewportSize({ width: 880, height: 560 });
    await tab.page.screenshot({ path: join(ROOT, 'docs/app.png'), animations: 'disabled' });
  }
  expect([tab.errors, tab.complaints]).toEqual([[], []]);
});

/** The README's port, or a higher one if that port or the next one is taken. */
async function choosePort(): Promise<number> {
  let port = README_PORT;
  while (!((await isFree(port)) && (await isFree(port + 1)))) port += 2;
  return port;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

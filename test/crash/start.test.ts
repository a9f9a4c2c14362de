import { expect, it } from 'vitest';
import { createTestDatabase } from '../support/database.ts';
import { nodeCommand, spawnCommand } from '../support/node-process.ts';
import { settingsFor } from '../support/settings.ts';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';
import { waitFor } from '../support/wait-for.ts';

const NO_VENDOR = 'http://127.0.0.1:9';
const LISTENING = /http:\/\/127\.0\.0\.1:\d+/;
/** Less than the start would wait for the database. */
const SOON_MS = 10_000;

it('a start before the database waits for it, says so once, and goes on', async () => {
  await using start = await startBeforeDatabase();
  await waitFor(async () => start.text.output.includes('Waiting'));
  await start.toDatabase.open();
  await waitFor(async () => LISTENING.test(start.text.output));
  start.child.kill('SIGTERM');

  expect(await start.ended).toEqual({ code: 0, signal: null });
  expect(start.text.output.match(/Waiting for .*?"/g)).toEqual([
    `Waiting for PostgreSQL at 127.0.0.1:${start.toDatabase.port}"`,
  ]);
  expect(start.text.errors).toBe('');
});

it.each(['SIGTERM', 'SIGINT'] as const)('a start that waits for the database ends at once on %s', async (signal) => {
  await using start = await startBeforeDatabase();
  await waitFor(async () => start.text.output.includes('Waiting'));
  const from = Date.now();
  start.child.kill(signal);

  expect(await start.ended).toEqual({ code: 0, signal: null });
  expect(Date.now() - from).toBeLessThan(SOON_MS);
  expect(start.text.errors).toBe('');
});

it('a start with a database that does not exist ends with code 1 and one sentence', async () => {
  await using database = await createTestDatabase({ migrated: false });
  const url = new URL(database.url);
  url.pathname = '/nowhere';
  const { text, ended } = spawnCommand(nodeCommand('src/main.ts'), settings(url));

  expect(await ended).toEqual({ code: 1, signal: null });
  expect(text.errors).toBe(
    `PostgreSQL at ${url.host} has no database "nowhere". Create it (createdb nowhere), or correct the name in DATABASE_URL.\n`,
  );
  expect(text.output).toBe('');
});

function settings(databaseUrl: URL) {
  return { ...settingsFor(NO_VENDOR), DATABASE_URL: databaseUrl.href, PORT: '0' };
}

/** The service, with a database that refuses connections until its proxy opens. */
async function startBeforeDatabase() {
  await using parts = new AsyncDisposableStack();
  const database = parts.use(await createTestDatabase());
  const url = new URL(database.url);
  const toDatabase: TcpProxy = parts.use(await startTcpProxy(Number(url.port)));
  url.port = String(toDatabase.port);
  await toDatabase.refuse();
  const program = spawnCommand(nodeCommand('src/main.ts'), settings(url));
  parts.defer(async () => {
    program.kill();
    await program.ended;
  });
  const running = parts.move();
  return { ...program, toDatabase, [Symbol.asyncDispose]: () => running.disposeAsync() };
}

import { rm } from 'node:fs/promises';
import { expect, test } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };
import { createDataDirectory } from '../support/data-directory.ts';
import { createTestDatabase } from '../support/database.ts';
import { startNodeProcess } from '../support/node-process.ts';
import { settingsFor } from '../support/settings.ts';

const linesOf = (output: string) => output.trimEnd().split('\n');

test('a production start logs what runs where, and the shutdown', { timeout: 60_000 }, async () => {
  await using database = await createTestDatabase();
  const { host, password } = new URL(database.url);
  const settings = { ...settingsFor('http://127.0.0.1:1'), DATABASE_URL: database.url, PORT: '0' };
  await using node = await startNodeProcess(settings);
  await node.end('SIGTERM');

  const lines = linesOf(node.output()).map((line) => JSON.parse(line));
  expect(lines.map(({ level, msg }) => [level, msg])).toEqual([
    ['info', 'Started'],
    ['info', 'Shutting down'],
    ['info', 'Shut down'],
  ]);
  expect(lines[0]).toMatchObject({
    version: packageJson.version,
    url: node.url,
    vendor: 'liveavatar',
    database: host,
    limits: { minutes: 60, cost: '50.00', currency: 'USD', pricePerMinute: '0.50' },
  });
  expect(node.output()).not.toContain(password);
  expect(node.errors()).toBe('');
});

test('an embedded start prints addresses and tokens, and nothing else', { timeout: 120_000 }, async () => {
  const dataDir = await createDataDirectory();
  await using parts = new AsyncDisposableStack();
  parts.defer(() => rm(dataDir, { recursive: true }));
  const node = parts.use(await startNodeProcess({ DATA_DIR: dataDir, PORT: '0' }));
  await node.end('SIGTERM');

  const [startPage, graphiql, user, admin, ...log] = linesOf(node.output());
  expect([startPage, graphiql]).toEqual([`Start page  ${node.url}`, `GraphiQL    ${node.url}/graphql`]);
  expect(user).toMatch(/^Demo user {3}[\w-]+\.[\w-]+\.[\w-]+$/);
  expect(admin).toMatch(/^Demo admin {2}[\w-]+\.[\w-]+\.[\w-]+$/);
  expect(log.map((line) => JSON.parse(line).msg)).toEqual(['Shutting down', 'Shut down']);
  expect(node.errors()).toBe('');
});

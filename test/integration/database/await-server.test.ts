import { rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { awaitServer, explainedFor } from '../../../src/database/await-server.ts';
import { migrate } from '../../../src/database/migrate.ts';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../../src/embedded-postgres/embedded-postgres.ts';
import { createDataDirectory } from '../../support/data-directory.ts';
import { startTcpProxy, type TcpProxy } from '../../support/tcp-proxy.ts';

const PASSWORD = 'open-sesame';
const PATIENCE_MS = 10_000;
/** The role `tls` may log in with TLS only, which this server does not offer. */
const ACCESS = `
hostssl all tls all scram-sha-256
host all avatar_quota,role,busy all scram-sha-256
host all nobody all trust
`;

let dataDir: string;
let postgres: EmbeddedPostgres;
let proxy: TcpProxy;

beforeAll(async () => {
  dataDir = await createDataDirectory();
  postgres = await startEmbeddedPostgres({ dataDir });
  proxy = await startTcpProxy(Number(new URL(postgres.url).port));
  await writeFile(join(dataDir, 'postgres', 'pg_hba.conf'), ACCESS);
  await asOwner(`
    CREATE ROLE role LOGIN PASSWORD '${PASSWORD}';
    CREATE ROLE tls LOGIN PASSWORD '${PASSWORD}';
    CREATE ROLE busy LOGIN PASSWORD '${PASSWORD}' CONNECTION LIMIT 0;
    SELECT pg_reload_conf()`);
  for (const name of ['old', 'readonly', 'bare']) await asOwner(`CREATE DATABASE ${name}`);
  await asOwner(`ALTER DATABASE readonly SET default_transaction_read_only = on`);
  await asOwner(
    `CREATE SCHEMA older;
    CREATE FUNCTION older.current_setting(text) RETURNS text LANGUAGE sql AS $$ SELECT '140005' $$;
    ALTER DATABASE old SET search_path = older, pg_catalog`,
    'old',
  );
}, 120_000);

afterAll(async () => {
  await proxy[Symbol.asyncDispose]();
  await postgres.stop();
  await rm(dataDir, { recursive: true });
}, 120_000);

describe('without a wait', () => {
  it.each<[what: string, parts: Partial<Address>, sentence: RegExp]>([
    ['a wrong password', { password: 'wrong' }, /refuses the password of role "avatar_quota"\. Correct .*DATABASE_URL/],
    ['a missing password', { password: '' }, /requires a password for role "avatar_quota"\. Add it to DATABASE_URL/],
    ['an unknown role', { user: 'nobody' }, /refuses role "nobody" \(.*not exist\)\. Correct the user in DATABASE_URL/],
    ['a missing database', { database: 'quota' }, /has no database "quota"\. Create it \(createdb quota\), or correct/],
    ['a role at its connection limit', { user: 'busy' }, /has no free connection \(too many .*\)\. Close others/],
    ['a server that requires TLS', { user: 'tls' }, /may require TLS .*Add sslmode=verify-full to DATABASE_URL/],
    ['a server without TLS', { search: '?sslmode=verify-full' }, /does not support TLS\. Remove sslmode from/],
    [
      'a missing certificate',
      { search: '?sslrootcert=/none' },
      /^DATABASE_URL cannot be used: .*'\/none'\. Correct it\./,
    ],
    ['an old server', { database: 'old' }, /is PostgreSQL 14\. Set DATABASE_URL to PostgreSQL 15 or later\.$/],
  ])('%s is explained at once', async (_what, parts, sentence) => {
    const url = urlOf(parts);
    const onWait = () => expect.unreachable();
    const { message } = await awaitServer({ url, patienceMs: PATIENCE_MS, onWait }).then(
      () => expect.unreachable(),
      (error: Error) => error,
    );
    expect(message).toMatch(sentence);
    expect(message).not.toContain(new URL(url).password || PASSWORD);
  });

  it('a missing right to create tables is explained', async () => {
    expect(await failureOf({ user: 'role', database: 'bare' })).toBe(
      'Role "role" lacks a permission in database "bare" (permission denied for schema public). Make it the owner of the database, or set DATABASE_URL to a role that is.',
    );
  });

  it('a server that is read-only is explained', async () => {
    expect(await failureOf({ database: 'readonly' })).toMatch(
      /^Database "readonly" at .* is read-only \(.*\)\. Set DATABASE_URL to the primary server\.$/,
    );
  });
});

describe('with patience', () => {
  it('a server that refuses connections is waited for', async () => {
    await proxy.refuse();
    const waits: string[] = [];
    await awaitServer({
      url: urlOf({ port: proxy.port }),
      patienceMs: PATIENCE_MS,
      onWait: (server, reason) => {
        waits.push(`${server} ${reason}`);
        void proxy.open();
      },
    });
    expect(waits).toEqual([`127.0.0.1:${proxy.port} ECONNREFUSED`]);
  });

  it('a server that says it is starting is waited for', async () => {
    await using starting = await startStartingServer();
    const waits: string[] = [];
    proxy.pointTo(starting.port);
    await awaitServer({
      url: urlOf({ port: proxy.port }),
      patienceMs: PATIENCE_MS,
      onWait: (_server, reason) => {
        waits.push(reason);
        proxy.pointTo(Number(new URL(postgres.url).port));
      },
    });
    expect(waits).toEqual(['57P03']);
  });

  it.each<[what: string, parts: () => Promise<Partial<Address>>, sentence: RegExp]>([
    [
      'refuses connections',
      async () => {
        await proxy.refuse();
        return { port: proxy.port };
      },
      /refuses connections\. Start it, or correct the host and port in DATABASE_URL\.$/,
    ],
    // Longer than a name may be, so no name server is asked.
    ['has no name', async () => ({ host: 'x'.repeat(64) }), /^The host x+ is unknown\. Correct it in DATABASE_URL/],
  ])('a server that %s for longer is explained', async (_what, parts, sentence) => {
    const waits: string[] = [];
    const onWait = (server: string) => waits.push(server);
    await expect(awaitServer({ url: urlOf(await parts()), patienceMs: 600, onWait })).rejects.toThrow(sentence);
    expect(waits).toHaveLength(1);
    await proxy.open();
  });

  it('the wait ends when it is aborted', async () => {
    await proxy.refuse();
    const abort = new AbortController();
    const reason = new Error('stopped');
    const waiting = awaitServer({
      url: urlOf({ port: proxy.port }),
      patienceMs: 600_000,
      onWait: () => abort.abort(reason),
      signal: abort.signal,
    });
    await expect(waiting).rejects.toBe(reason);
    await proxy.open();
  });
});

interface Address {
  readonly user: string;
  readonly password: string;
  readonly host: string;
  readonly port: string | number;
  readonly database: string;
  readonly search: string;
}

/** The address of the server, with parts of it replaced; only the owner of the database has a password of its own. */
function urlOf(parts: Partial<Address>): string {
  const own = new URL(postgres.url);
  const password = parts.user ? PASSWORD : own.password;
  const address = {
    user: own.username,
    password,
    host: own.hostname,
    port: own.port,
    database: 'avatar_quota',
    ...parts,
  };
  const login = address.password ? `${address.user}:${address.password}` : address.user;
  return `postgresql://${login}@${address.host}:${address.port}/${address.database}${parts.search ?? ''}`;
}

/** What the operator reads when the migrations fail. */
async function failureOf(parts: Partial<Address>): Promise<string> {
  const url = urlOf(parts);
  await awaitServer({ url, patienceMs: 0 });
  const error = await migrate(url).catch((cause: unknown) => explainedFor(url, cause));
  expect(error).toBeInstanceOf(Error);
  const { message } = error as Error;
  expect(message).not.toContain(new URL(url).password);
  return message;
}

async function asOwner(sql: string, database = 'avatar_quota'): Promise<void> {
  const client = new pg.Client({ connectionString: urlOf({ database }) });
  await client.connect();
  await client.query(sql);
  await client.end();
}

/** What PostgreSQL says while it starts, in its own protocol. */
async function startStartingServer() {
  const fields = ['SFATAL', 'C57P03', 'Mthe database system is starting up', ''].map((field) => `${field}\0`).join('');
  const length = Buffer.alloc(4);
  length.writeInt32BE(4 + fields.length);
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => socket.end(Buffer.concat([Buffer.from('E'), length, Buffer.from(fields)])));
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.close();
    },
  };
}

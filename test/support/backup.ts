import pg from 'pg';
import type { TestDatabase } from './database.ts';
import { cutOff } from './outage.ts';

interface Backup {
  /** Puts the database back to the state of the backup. Every commit since then is lost. Can be done once. */
  restore(): Promise<void>;
}

/** Copies the database as it stands. Its connections are cut for that, and can be reopened when this resolves. */
export async function backUp(database: Pick<TestDatabase, 'url'>): Promise<Backup & AsyncDisposable> {
  const name = new URL(database.url).pathname.slice(1);
  const copy = `${name}_backup`;
  const admin = new pg.Client({ connectionString: new URL('/postgres', database.url).href });
  await admin.connect();
  {
    await using _outage = await cutOff(database);
    await admin.query(`CREATE DATABASE ${copy} TEMPLATE ${name} STRATEGY file_copy`);
  }
  return {
    async restore() {
      await using _outage = await cutOff(database);
      await admin.query(`DROP DATABASE ${name}`);
      await admin.query(`ALTER DATABASE ${copy} RENAME TO ${name}`);
    },
    async [Symbol.asyncDispose]() {
      await admin.query(`DROP DATABASE IF EXISTS ${copy}`);
      await admin.end();
    },
  };
}

import type pg from 'pg';
import { expect, it } from 'vitest';
import { createDueWork } from '../../../src/database/due-work.ts';
import { createQuotaStore } from '../../../src/database/quota-store.ts';
import { startSweeper } from '../../../src/live/sweeper.ts';
import { createTestStore, holdRequest, type TestStore } from '../../support/store.ts';
import { waitFor } from '../../support/wait-for.ts';

// While a transaction is open that can see them, the database keeps all earlier versions of rows: a report, a backup, a psql that
// was left open. What is searched again and again must not read them again and again.

const EXPIRED = 20_000;
/** Pages of 8 kB. A search through the entries of all expired users reads about 300. */
const FEW_PAGES = 40;

interface Statement {
  readonly name?: string;
  readonly text: string;
  readonly values?: unknown[];
}

/** A pool that notes its statements. */
function noting(pool: pg.Pool) {
  const statements: Statement[] = [];
  const query = (statement: string | Statement, values: unknown[] = []) => {
    statements.push(typeof statement === 'string' ? { text: statement, values } : statement);
    return pool.query(statement as string, values.length > 0 ? values : undefined);
  };
  return { pool: { query } as unknown as pg.Pool, statements };
}

/** How many pages a statement reads when it is run once more. What it writes is undone. */
async function pagesOf({ pool }: TestStore, { text, values }: Statement): Promise<number> {
  const client = await pool.connect();
  try {
    await client.query('BEGIN');
    const { rows } = await client.query(`EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ${text}`, values);
    const { Plan } = rows[0]['QUERY PLAN'][0];
    return Plan['Shared Hit Blocks'] + Plan['Shared Read Blocks'];
  } finally {
    await client.query('ROLLBACK');
    client.release();
  }
}

/** Users whose work was due and is done, and their stops, all in versions that the old transaction can see. */
async function expireMany({ pool }: TestStore) {
  await pool.query(`
    INSERT INTO quota_users (user_id, revision, due_at)
    SELECT 'user-' || n, 1, now() - make_interval(secs => n) FROM generate_series(1, ${EXPIRED}) AS n`);
  await pool.query('VACUUM ANALYZE quota_users');
  const old = await pool.connect();
  await old.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
  await old.query('SELECT count(*) FROM quota_users');
  await pool.query('UPDATE quota_users SET due_at = NULL, revision = 2');
  return {
    async [Symbol.asyncDispose]() {
      await old.query('COMMIT');
      old.release();
    },
  };
}

it(`an idle sweep and the load of a hold read few pages while ${EXPIRED} expired users are still visible to an old transaction`, async () => {
  await using test = await createTestStore();
  await using _old = await expireMany(test);
  const { pool, statements } = noting(test.pool);
  const clock = () => new Date();
  const work = createDueWork({ pool, policy: test.policy, vendorName: 'simulator', clock });
  let sweeps = 0;
  const sweeper = startSweeper({
    work: {
      ...work,
      async nextDue(dueFrom) {
        const next = await work.nextDue(dueFrom);
        sweeps++;
        return next;
      },
    },
    deliverStops: (which, dueFrom) => work.claimStops(which, dueFrom),
    heartbeatLapseSeconds: 75,
    clock,
    onError: (error) => {
      throw error;
    },
  });
  await waitFor(async () => sweeps === 1);
  statements.length = 0;
  sweeper.wake(clock());
  await waitFor(async () => sweeps === 2);
  await sweeper.stop();

  expect(statements.length).toBeGreaterThanOrEqual(3);
  for (const statement of statements.filter(({ values }) => !values?.includes('infinity'))) {
    expect({ ...statement, pages: await pagesOf(test, statement) }).toMatchObject({
      pages: expect.toSatisfy((pages: number) => pages < FEW_PAGES),
    });
  }

  statements.length = 0;
  const store = createQuotaStore({ pool, policy: test.policy, clock });
  await expect(store.hold(holdRequest({ userId: 'user-1' }))).resolves.toMatchObject({ outcome: 'granted' });
  const loads = statements.filter(({ name }) => name === 'load');
  expect(loads).toHaveLength(1);
  for (const statement of loads) expect(await pagesOf(test, statement)).toBeLessThan(FEW_PAGES);
});

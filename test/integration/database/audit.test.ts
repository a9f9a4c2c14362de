import { expect, it } from 'vitest';
import { auditBooks } from '../../../src/database/audit.ts';
import { createTestStore, startSession } from '../../support/store.ts';

it('finds a quota that was changed without an entry, and an entry without a change', async () => {
  await using test = await createTestStore();
  await startSession(test);
  await test.pool.query('UPDATE usage_quotas SET used_seconds = used_seconds + 1');
  expect(await auditBooks(test.pool)).toMatchObject([
    {
      userId: 'ann',
      period: '2026-11',
      what: 'used seconds, by the ledger',
      unit: 'seconds',
      quota: '1',
      recomputed: '0',
    },
    {
      userId: 'ann',
      period: '2026-11',
      what: 'used seconds, by the records',
      unit: 'seconds',
      quota: '1',
      recomputed: '0',
    },
  ]);
  await test.pool.query('UPDATE usage_quotas SET used_seconds = used_seconds - 1');
});

it('finds entries of a month that has no quota', async () => {
  await using test = await createTestStore();
  await test.pool.query(`
    INSERT INTO quota_ledger (user_id, period, entry, used_seconds, reason, actor)
    VALUES ('ann', '2026-10', 'settle', 60, 'user_ended', 'test')`);
  expect(await auditBooks(test.pool)).toEqual([
    {
      userId: 'ann',
      period: '2026-10',
      what: 'used seconds, by the ledger',
      unit: 'seconds',
      quota: '0',
      recomputed: '60',
    },
  ]);
  await test.pool.query('DELETE FROM quota_ledger');
});

it('finds an account that is not the sum of its users', async () => {
  await using test = await createTestStore({ accountMaxSessions: 10 });
  await startSession(test);
  await test.pool.query('UPDATE account_state SET open_sessions = 2; UPDATE account_budgets SET held_cost = 0');
  expect(await auditBooks(test.pool)).toEqual([
    {
      userId: 'all users',
      period: '2026-11',
      what: 'held cost of the account',
      unit: 'cost',
      quota: '0',
      recomputed: '15',
    },
    {
      userId: 'all users',
      period: 'all months',
      what: 'open sessions of the account',
      unit: 'sessions',
      quota: '2',
      recomputed: '1',
    },
  ]);
  await test.pool.query('UPDATE account_state SET open_sessions = 1; UPDATE account_budgets SET held_cost = 15');
});

import { expect, it } from 'vitest';
import { saveStatement } from '../../../src/database/save-statement.ts';

it('the name of the statement with every part is one that PostgreSQL keeps whole', () => {
  const rows = [{}];
  const { name } = saveStatement({
    users: [
      {
        user_id: 'ann',
        revision: 0,
        due_at: null,
        events: ['{}'],
        open_sessions: 1,
        books: true,
        periods: ['2026-11'],
        record_ids: ['00000000-0000-4000-8000-000000000000'],
      },
    ],
    quotas: rows,
    records: rows,
    entries: rows,
    alerts: rows,
    stops: rows,
    confirmedStops: rows,
    wakeAt: 0,
    account: { version: 1, thresholds: rows },
    priceRevision: 0,
    now: new Date(0),
  });
  expect(name.length).toBeLessThanOrEqual(63);
});

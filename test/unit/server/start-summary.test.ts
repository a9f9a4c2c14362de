import { expect, test } from 'vitest';
import { loadConfig } from '../../../src/config.ts';
import { summarize } from '../../../src/server/start-summary.ts';

const PRODUCTION = {
  AUTH_JWT_SECRET: 'a-secret-of-the-tests-that-is-long-enough',
  VENDOR: 'liveavatar',
  LIVEAVATAR_API_KEY: 'hunter2',
  LIVEAVATAR_AVATARS: '{"anna":{"avatar_id":"dd73ea75-1218-4ef3-92ce-606d5f7fbc0a"}}',
};

test('a start without settings is summarized by its defaults', () => {
  expect(summarize(loadConfig({}))).toEqual({
    vendor: 'simulator',
    database: 'embedded',
    limits: { minutes: 60, cost: '50.00', currency: 'USD', pricePerMinute: '0.50' },
  });
});

test('a production start is summarized without any secret', () => {
  const summary = summarize(
    loadConfig({ ...PRODUCTION, DATABASE_URL: 'postgresql://quota:hunter2@db.internal:6432/quota', CURRENCY: 'EUR' }),
  );
  expect(summary).toMatchObject({
    vendor: 'liveavatar',
    database: 'db.internal:6432',
    limits: { currency: 'EUR', pricePerMinute: 'list price' },
  });
  expect(JSON.stringify(summary)).not.toContain('hunter2');
});

test.each([
  ['postgresql://db.internal/quota', 'db.internal:5432'],
  ['postgresql://quota:hunter2@[::1]/quota', '[::1]:5432'],
  ['postgresql:///quota?host=/var/run/postgresql&password=hunter2', '/var/run/postgresql:5432'],
  ['postgresql:///quota', 'localhost:5432'],
])('the database %s is shown as %s', (DATABASE_URL, shown) => {
  expect(summarize(loadConfig({ ...PRODUCTION, DATABASE_URL })).database).toBe(shown);
});

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatNodeId, parseNodeId, quotaKey } from '../../../src/graphql/node-id.ts';

const anyMonth = fc
  .tuple(fc.integer({ min: 2000, max: 9998 }), fc.integer({ min: 1, max: 12 }))
  .map(([year, month]) => `${year}-${String(month).padStart(2, '0')}`);

test('an id is read back as the key that it was made of', () => {
  fc.assert(
    fc.property(fc.uuid(), anyMonth, fc.string({ maxLength: 255 }), (uuid, month, userId) => {
      for (const key of [
        { typename: 'UsageRecord', id: uuid },
        { typename: 'Quota', id: quotaKey(month, userId) },
      ]) {
        expect(parseNodeId(formatNodeId(key.typename, key.id))).toEqual(key);
      }
    }),
  );
});

test('an id is short and shows neither the user nor the month', () => {
  const userId = 'ann@example.com'.padEnd(255, '!');
  const id = formatNodeId('Quota', quotaKey('2026-11', userId));
  expect(id).toMatch(/^Q_[\w-]{24}$/);
  expect(Buffer.from(id.slice(2), 'base64url').toString('latin1')).not.toMatch(/ann|2026/);
});

test('an id has one spelling', () => {
  const id = formatNodeId('UsageRecord', '3f2c8a52-6c1e-4a0e-9d6f-3c1b0a9e7d51');
  for (const other of [`${id}=`, `${id}A`, id.toLowerCase(), ` ${id}`, `${id}\n`]) {
    expect(parseNodeId(other)).toEqual({ typename: 'Quota', id: '' });
  }
});

import fc from 'fast-check';
import type { OpenRecord, QuotaState } from '../../src/domain/quota.ts';

/** The moment at which the sessions of these states are looked at. */
export const NOW = new Date('2026-11-10T12:00:00.000Z');

/** A quota of 60 minutes and 50.00 of which nothing is used. */
export function quotaState(state: Partial<QuotaState> = {}): QuotaState {
  return {
    userId: 'ann',
    period: '2026-11',
    limitMinutes: 60,
    limitCost: 50_000_000n,
    settledSeconds: 0,
    settledCost: 0n,
    reservedSeconds: 0,
    reservedCost: 0n,
    sessionCount: 0,
    isActive: true,
    version: 0,
    openRecords: [],
    alerts: [],
    nextTokenAt: null,
    ...state,
  };
}

/** An unused token of ten minutes at 0.50 a minute. */
export function openToken(record: Partial<OpenRecord> = {}): OpenRecord {
  return {
    id: 'record',
    userId: 'ann',
    sessionId: 'chat',
    avatarSessionId: null,
    avatarName: 'default',
    vendor: 'simulator',
    status: 'reserved',
    endReason: null,
    startedAt: null,
    endedAt: null,
    durationSeconds: 0,
    estimatedCost: 0n,
    wordsSpoken: 0,
    messagesCount: 0,
    billingPeriod: '2026-11',
    grantSeconds: 600,
    countedFrom: null,
    settledSeconds: 0,
    settledCost: 0n,
    actualSeconds: null,
    actualCost: null,
    vendorEndReason: null,
    expiresAt: null,
    errorMessage: null,
    createdAt: NOW,
    updatedAt: NOW,
    pricePerMinute: 500_000n,
    pricedSeconds: 0,
    pricedCost: 0n,
    billingStepSeconds: 1,
    minimumSeconds: 0,
    heldSeconds: 600,
    heldCost: 5_000_000n,
    ...record,
  };
}

/** A session of ten minutes at 0.50 a minute that has run for some seconds. */
export function runningFor(seconds: number, record: Partial<OpenRecord> = {}): OpenRecord {
  const countedFrom = new Date(NOW.getTime() - seconds * 1000);
  return openToken({ status: 'active', countedFrom, createdAt: countedFrom, ...record });
}

/** The state with these open records, their holds added up. */
export function withRecords(openRecords: readonly OpenRecord[], state: Partial<QuotaState> = {}): QuotaState {
  return quotaState({
    openRecords,
    reservedSeconds: openRecords.reduce((sum, record) => sum + record.heldSeconds, 0),
    reservedCost: openRecords.reduce((sum, record) => sum + record.heldCost, 0n),
    ...state,
  });
}

const anyPrice = fc.oneof(fc.constant(0n), fc.bigInt({ min: 1n, max: 100n }), fc.bigInt({ min: 1n, max: 5_000_000n }));

const anyRecord: fc.Arbitrary<OpenRecord> = fc
  .record({
    price: anyPrice,
    heldSeconds: fc.integer({ min: 60, max: 3600 }),
    age: fc.integer({ min: 0, max: 3_000_000 }),
    sessionId: fc.constantFrom('chat', 'talk', 'call'),
    running: fc.boolean(),
  })
  .map(({ price, heldSeconds, age, sessionId, running }) => {
    const start = new Date(NOW.getTime() - Math.min(age, heldSeconds * 1000));
    return openToken({
      sessionId,
      status: running ? 'active' : 'reserved',
      countedFrom: running ? start : null,
      createdAt: start,
      pricePerMinute: price,
      heldSeconds,
      heldCost: (BigInt(heldSeconds) * price + 30n) / 60n,
    });
  });

/** Any quota with up to four open records, none of them past its hold. */
export const anyState: fc.Arbitrary<QuotaState> = fc
  .record({
    records: fc.array(anyRecord, { maxLength: 4 }),
    limitMinutes: fc.integer({ min: 0, max: 300 }),
    limitCost: fc.oneof(fc.bigInt({ min: 0n, max: 300n }), fc.bigInt({ min: 0n, max: 300_000_000n })),
    settledSeconds: fc.integer({ min: 0, max: 15_000 }),
    settledCost: fc.bigInt({ min: 0n, max: 200_000_000n }),
  })
  .map(({ records, ...state }) =>
    withRecords(
      records.map((record, index) => ({ ...record, id: `record-${index}` })),
      state,
    ),
  );

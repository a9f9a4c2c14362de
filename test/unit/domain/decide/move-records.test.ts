import { describe, expect, it } from 'vitest';
import { createDecider, type Decider } from '../../../support/decide.ts';
import { holdRequest } from '../../../support/store.ts';

const MONTH_END = Date.parse('2026-12-01T00:00:00.000Z');

/** A session of ten minutes at 0.50 a minute that starts two minutes before the month's end. */
function createLateSession(): Decider {
  const ann = createDecider({ policy: { maxSessionSeconds: 600 }, now: MONTH_END - 120_000 });
  const request = holdRequest();
  ann.act('hold', request);
  ann.act('attach', { ...request, avatarSessionId: 'stream', tokenHash: new Uint8Array(32) });
  ann.act('start', { ...request, avatarSessionId: 'stream', avatarName: null });
  return ann;
}

describe('a session that runs past the end of its month', () => {
  it('is settled there, and the rest of its hold moves on', () => {
    const ann = createLateSession();
    ann.runUntil(MONTH_END);
    expect(ann.state.quotas).toMatchObject([
      { period: '2026-11', usedSeconds: 120, usedCost: 1_000_000n, heldSeconds: 0, sessionCount: 1 },
      { period: '2026-12', usedSeconds: 0, heldSeconds: 480, heldCost: 4_000_000n, sessionCount: 0 },
    ]);
    expect(ann.state.records).toMatchObject([
      { billingPeriod: '2026-11', quotaPeriod: '2026-12', countedFrom: MONTH_END, expiresAt: MONTH_END + 480_000 },
    ]);
  });

  it('raises the version of both months, and publishes the new one', () => {
    const ann = createLateSession();
    const before = ann.state.quotas[0]?.version ?? 0;
    const published = ann.events.length;
    ann.runUntil(MONTH_END);
    expect(ann.state.quotas[0]?.version).toBe(before + 1);
    expect(ann.events.slice(published)).toMatchObject([{ period: '2026-12', reason: 'period_started' }]);
  });

  it('is settled in each month once, also if it ended long before anyone looked', () => {
    const ann = createLateSession();
    ann.now = MONTH_END + 3_600_000;
    ann.act('end', {
      userId: 'ann',
      avatarSessionId: 'stream',
      wordsSpoken: null,
      messagesCount: null,
      errorMessage: null,
    });
    const settled = ann.entries.filter(({ kind }) => kind === 'settle');
    expect(settled).toMatchObject([
      { period: '2026-11', usedSeconds: 120 },
      { period: '2026-12', usedSeconds: 480 },
    ]);
  });
});

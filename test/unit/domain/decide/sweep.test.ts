import { describe, expect, it } from 'vitest';
import type { HoldRequest } from '../../../../src/domain/store.ts';
import { createDecider, type Decider, START } from '../../../support/decide.ts';
import { holdRequest } from '../../../support/store.ts';

const SWEEP = { lapsesFrom: 0 };

/** A session of ten minutes at 0.50 a minute that starts at {@link START}. */
function createSession(request: Partial<HoldRequest> = {}): Decider {
  const ann = createDecider({ policy: { maxSessionSeconds: 600, thresholds: [80] } });
  const hold = holdRequest(request);
  ann.act('hold', hold);
  ann.act('attach', { ...hold, avatarSessionId: 'stream', tokenHash: new Uint8Array(32) });
  ann.act('start', { ...hold, avatarSessionId: 'stream', avatarName: null });
  return ann;
}

function reasonsSince(ann: Decider, published: number): string[] {
  return ann.events.slice(published).map(({ reason }) => reason);
}

describe('a sweep', () => {
  it('announces the end of a session twice, and ends it', () => {
    const ann = createSession();
    const published = ann.events.length;
    const due: number[] = [];
    while (ann.state.dueAt !== null) {
      due.push((ann.state.dueAt - START) / 1000);
      ann.runUntil(ann.state.dueAt);
    }
    expect(due).toEqual([540, 585, 600]);
    expect(reasonsSince(ann, published)).toEqual(['session_ending_soon', 'session_ending_soon', 'session_ended']);
    expect(ann.state.records).toMatchObject([{ endReason: 'deadline_reached', durationSeconds: 600 }]);
  });

  it('ends a session whose heartbeats have stopped as of the last one', () => {
    const ann = createSession();
    ann.now += 100_500;
    const heartbeat = { userId: 'ann', avatarSessionId: 'stream', wordsSpoken: 7, messagesCount: null };
    ann.act('heartbeat', heartbeat);
    expect(ann.state.dueAt).toBe(START + 190_500);
    ann.runUntil(START + 190_500);
    expect(ann.state.records).toMatchObject([{ endReason: 'heartbeat_lost', durationSeconds: 101, wordsSpoken: 7 }]);
  });

  it('gives clients time to be heard again after the service was away', () => {
    const ann = createSession();
    ann.act('heartbeat', { userId: 'ann', avatarSessionId: 'stream', wordsSpoken: null, messagesCount: null });
    ann.now += 200_000;
    expect(ann.act('sweep', { lapsesFrom: START + 290_000 })).toBe(false);
    expect(ann.state.dueAt).toBe(START + 290_000);
    ann.runUntil(START + 290_000);
    expect(ann.state.records).toMatchObject([{ endReason: 'heartbeat_lost', durationSeconds: 0 }]);
  });

  it('settles a session that no one ended until now, unless the vendor capped it', () => {
    const capped = createSession();
    const uncapped = createSession({ vendorCaps: false });
    for (const ann of [capped, uncapped]) {
      ann.now += 3_600_000;
      ann.act('sweep', SWEEP);
    }
    expect(capped.state.records).toMatchObject([{ durationSeconds: 600 }]);
    expect(uncapped.state.records).toMatchObject([{ durationSeconds: 3600, estimatedCost: 30_000_000n }]);
    expect(uncapped.state.quotas).toMatchObject([{ usedSeconds: 3600, heldSeconds: 0 }]);
  });

  it('fires a threshold at the moment at which it was crossed', () => {
    const ann = createSession();
    ann.act('changeLimits', { userId: 'ann', limitMinutes: 10, limitCost: null, isActive: null });
    expect(ann.state.dueAt).toBe(START + 480_000);
    ann.now += 500_000;
    ann.act('sweep', SWEEP);
    expect(ann.state.quotas).toMatchObject([
      { alerts: [{ limit: 'minutes', thresholdPercent: 80, crossedAt: new Date(START + 480_000) }] },
    ]);
  });

  it('lets open sessions follow a price of their mode, and of no other', () => {
    const ann = createSession();
    ann.enterPrice({ vendorMode: 'LITE', perMinute: 9_000_000n });
    expect(ann.act('sweep', SWEEP)).toBe(false);
    ann.enterPrice({ perMinute: 1_000_000n, effectiveFrom: new Date(START + 60_000) });
    expect(ann.act('sweep', SWEEP)).toBe(true);
    expect(ann.state.records).toMatchObject([
      { pricePerMinute: 500_000n, heldCost: 10_000_000n, priceUntil: START + 60_000 },
    ]);
    ann.runUntil(START + 60_000);
    expect(ann.state.records).toMatchObject([
      { pricePerMinute: 1_000_000n, pricedSeconds: 60, pricedCost: 500_000n, priceUntil: null },
    ]);
    expect(ann.act('sweep', SWEEP)).toBe(false);
  });

  it('ends a session whose limit was lowered below what it has used', () => {
    const ann = createSession();
    ann.now += 300_000;
    ann.act('changeLimits', { userId: 'ann', limitMinutes: 2, limitCost: null, isActive: null });
    expect(ann.state.dueAt).toBe(ann.now);
    ann.act('sweep', SWEEP);
    expect(ann.state.records).toMatchObject([{ endReason: 'deadline_reached', durationSeconds: 300 }]);
  });
});

import { describe, expect, it } from 'vitest';
import { type Call, decide } from '../../../../src/domain/decide/decide.ts';
import type { ConfirmedStop, HoldRequest } from '../../../../src/domain/store.ts';
import { createDecider, type Decider, START } from '../../../support/decide.ts';
import { holdRequest } from '../../../support/store.ts';

const HOUR = 3_600_000;
const CAP_SECONDS = 600;

/** A token of ten minutes that the vendor accepts for an hour, and that has left the service. */
function tokenOf(ann: Decider): HoldRequest {
  const request = holdRequest({ sessionId: 'chat' });
  ann.act('hold', request);
  const tokenEndsAt = new Date(ann.now + HOUR);
  ann.act('attach', { ...request, avatarSessionId: 'stream', tokenHash: new Uint8Array(32), tokenEndsAt });
  return request;
}

function createAnn(now?: number): Decider {
  return createDecider({ policy: { maxSessionSeconds: CAP_SECONDS, tokenTtlSeconds: 300 }, ...(now && { now }) });
}

const START_REQUEST = { userId: 'ann', sessionId: 'chat', avatarSessionId: 'stream', avatarName: null };
const END_REQUEST = {
  userId: 'ann',
  avatarSessionId: 'stream',
  wordsSpoken: null,
  messagesCount: null,
  errorMessage: null,
};

function confirmed(recordId: string, word: ConfirmedStop['word']): ConfirmedStop {
  return { recordId, userId: 'ann', word, expectsFigures: true };
}

function heldSeconds(ann: Decider): number {
  return ann.state.quotas.reduce((sum, quota) => sum + quota.heldSeconds, 0);
}

describe('the hold of a token that left the service', () => {
  it('stays when the end is noted so late that the vendor would have capped the session long before', () => {
    const ann = createAnn();
    tokenOf(ann);
    ann.now += 2 * HOUR;
    ann.act('sweep', { lapsesFrom: 0 });
    expect(ann.state.records).toMatchObject([{ status: 'expired', heldSeconds: CAP_SECONDS }]);
  });

  it('stays when only the page reported a start, and the vendor knows no such session yet', () => {
    const ann = createAnn();
    const { recordId } = tokenOf(ann);
    ann.act('start', { ...START_REQUEST, isReported: true });
    ann.act('end', END_REQUEST);
    ann.act('confirmStop', confirmed(recordId, 'unknown'));
    expect(ann.state.records).toMatchObject([{ isStopping: false, heldSeconds: CAP_SECONDS }]);
    expect(ann.act('reconcileUnknown', { vendor: 'simulator', avatarSessionId: 'stream' })).toBe('known');
    expect(heldSeconds(ann)).toBe(CAP_SECONDS);
    ann.now = START + HOUR;
    ann.act('reconcileUnknown', { vendor: 'simulator', avatarSessionId: 'stream' });
    expect(heldSeconds(ann)).toBe(0);
  });

  it('is whole again after a failed start that was taken past the end of its month', () => {
    const ann = createAnn(Date.parse('2026-11-30T23:59:58.000Z'));
    const { recordId } = tokenOf(ann);
    ann.act('start', START_REQUEST);
    ann.now += 4_000;
    ann.act('sweep', { lapsesFrom: 0 });
    ann.act('failStart', { recordId, userId: 'ann', errorMessage: 'no answer' });
    expect(ann.state.records).toMatchObject([{ status: 'reserved', heldSeconds: CAP_SECONDS, settledSeconds: 0 }]);
    expect(ann.state.quotas).toMatchObject([
      { period: '2026-11', usedSeconds: 0, heldSeconds: 0, sessionCount: 0 },
      { period: '2026-12', usedSeconds: 0, heldSeconds: CAP_SECONDS, sessionCount: 0 },
    ]);
  });

  it('covers the seconds that were settled at a month’s end and turn out to be unused', () => {
    const ann = createAnn(Date.parse('2026-11-30T23:59:00.000Z'));
    tokenOf(ann);
    ann.act('start', START_REQUEST);
    ann.now += 10_000;
    ann.act('heartbeat', END_REQUEST);
    ann.now += 50_000;
    ann.act('sweep', { lapsesFrom: 0 });
    ann.now += 50_000;
    ann.act('sweep', { lapsesFrom: 0 });
    expect(ann.state.records).toMatchObject([{ endReason: 'heartbeat_lost', durationSeconds: 10, heldSeconds: 590 }]);
  });
});

it('a failed start leaves nothing due that concerned its session', () => {
  const ann = createAnn();
  const { recordId } = tokenOf(ann);
  ann.enterPrice({ perMinute: 1_000_000n, effectiveFrom: new Date(START + 60_000) });
  ann.act('start', START_REQUEST);
  ann.act('heartbeat', END_REQUEST);
  ann.act('failStart', { recordId, userId: 'ann', errorMessage: 'no answer' });
  ann.act('sweep', { lapsesFrom: 0 });
  ann.now += 200_000;
  ann.act('sweep', { lapsesFrom: 0 });
  expect(ann.act('sweep', { lapsesFrom: 0 })).toBe(false);
  expect(ann.state.records).toMatchObject([{ status: 'reserved', priceUntil: null, lastHeartbeatAt: null }]);
});

it('a session that started although its stop was confirmed at the same moment is stopped once more', () => {
  const ann = createAnn();
  const { recordId } = tokenOf(ann);
  ann.act('start', START_REQUEST);
  ann.act('end', END_REQUEST);
  const calls: Call[] = [
    { act: 'confirmStop', request: confirmed(recordId, 'stopped') },
    { act: 'confirmStart', request: { recordId, userId: 'ann' } },
  ];
  const { rules, now, state } = ann;
  const decided = decide(state, calls, { rules, now, account: null, takenSessions: new Set() });
  expect(decided.confirmedStops).toEqual([]);
  expect(decided.stops).toMatchObject([{ recordId, againIfConfirmedBefore: Number.POSITIVE_INFINITY }]);
});

import { describe, expect, it } from 'vitest';
import type { HoldRequest } from '../../../../src/domain/store.ts';
import { createDecider, type Decider, START } from '../../../support/decide.ts';
import { holdRequest } from '../../../support/store.ts';

/** A token of ten minutes at 0.50 a minute, ready to be started. */
function tokenOf(ann: Decider): HoldRequest {
  const request = holdRequest({ sessionId: 'chat' });
  ann.act('hold', request);
  ann.act('attach', { ...request, avatarSessionId: null, tokenHash: new Uint8Array(32) });
  return request;
}

const START_REQUEST = { userId: 'ann', sessionId: 'chat', avatarSessionId: 'stream', avatarName: 'ada' };

function createAnn(): Decider {
  return createDecider({ policy: { maxSessionSeconds: 600, tokenTtlSeconds: 300 } });
}

describe('a start', () => {
  it('counts from now, until the deadline that the hold allows', () => {
    const ann = createAnn();
    const { recordId } = tokenOf(ann);
    ann.now += 10_000;
    expect(ann.act('start', START_REQUEST)).toEqual({ outcome: 'started', recordId });
    expect(ann.state.records).toMatchObject([
      {
        status: 'active',
        avatarSessionId: 'stream',
        avatarName: 'ada',
        startedAt: START + 10_000,
        expiresAt: START + 610_000,
      },
    ]);
    expect(ann.state.quotas).toMatchObject([{ sessionCount: 1, heldSeconds: 600 }]);
    expect(ann.act('start', START_REQUEST)).toEqual({ outcome: 'already_started', recordId });
  });

  it('finds neither a session of another user nor another conversation', () => {
    const ann = createAnn();
    tokenOf(ann);
    const elsewhere = { ...START_REQUEST, sessionId: 'talk' };
    expect(ann.act('start', elsewhere)).toEqual({ outcome: 'not_found', recordId: null });
  });

  it('comes too late when the token has expired, and has the session stopped', () => {
    const ann = createAnn();
    const { recordId } = tokenOf(ann);
    ann.now += 300_000;
    expect(ann.act('start', START_REQUEST)).toEqual({ outcome: 'ended', recordId });
    expect(ann.stops).toMatchObject([{ recordId, avatarSessionId: 'stream', reason: 'token_expired' }]);
    expect(ann.state.quotas).toMatchObject([{ heldSeconds: 0, usedSeconds: 0, sessionCount: 0 }]);
  });

  it('costs what the price in force says, and holds for it with the next sweep', () => {
    const ann = createAnn();
    tokenOf(ann);
    ann.enterPrice({ perMinute: 2_000_000n });
    ann.act('start', START_REQUEST);
    expect(ann.state.records).toMatchObject([{ pricePerMinute: 2_000_000n, heldCost: 5_000_000n }]);
    ann.act('sweep', { lapsesFrom: 0 });
    expect(ann.state.records).toMatchObject([{ pricePerMinute: 2_000_000n, heldCost: 20_000_000n }]);
  });
});

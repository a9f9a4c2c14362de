import { describe, expect, it } from 'vitest';
import { createDecider, type Decider } from '../../../support/decide.ts';
import { holdRequest } from '../../../support/store.ts';

const HOUR = 3_600_000;

function createAnn(maxConcurrentSessions = 1): Decider {
  return createDecider({ policy: { maxSessionSeconds: 600, tokenTtlSeconds: 300, maxConcurrentSessions } });
}

/** An unused token that has left the service. */
function tokenOf(ann: Decider, sessionId = 'chat') {
  const request = holdRequest({ sessionId });
  expect(ann.act('hold', request)).toMatchObject({ outcome: 'granted' });
  const { recordId, userId } = request;
  const minted = { avatarSessionId: `stream-${recordId}`, tokenHash: new Uint8Array(32), sealedToken: 'sealed' };
  ann.act('attach', { recordId, userId, ...minted, tokenEndsAt: new Date(ann.now + HOUR) });
  ann.now += 1;
  return { ...request, ...minted };
}

const again = (sessionId: string, avatarName = 'default') => holdRequest({ sessionId, avatarName });

describe('an unused token', () => {
  it('is handed out again to its conversation, with a new time to live and no new hold', () => {
    const ann = createAnn();
    const { recordId } = tokenOf(ann);
    ann.now += 200_000;
    expect(ann.act('hold', again('chat'))).toMatchObject({
      outcome: 'reissued',
      recordId,
      sealedToken: 'sealed',
      grantSeconds: 600,
      expiresAt: new Date(ann.now + 300_000),
    });
    expect(ann.entries).toHaveLength(1);
  });

  it('goes to another conversation at the limit of concurrent sessions only', () => {
    const ann = createAnn(2);
    const { recordId } = tokenOf(ann);
    tokenOf(ann, 'talk');
    expect(ann.act('hold', again('call'))).toMatchObject({ outcome: 'reissued', recordId });
    expect(ann.state.records.map(({ sessionId }) => sessionId)).toEqual(['call', 'talk']);
  });

  it('is superseded for another avatar: its place is free at once, and its hold stays', () => {
    const ann = createAnn();
    tokenOf(ann);
    expect(ann.act('hold', again('chat', 'anna'))).toMatchObject({ outcome: 'granted' });
    expect(ann.state.records).toMatchObject([
      { endReason: 'superseded', heldSeconds: 600, sealedToken: null },
      { status: 'reserved', heldSeconds: 600 },
    ]);
  });

  it('is handed out again after a start that the vendor refused, and not while its session runs', () => {
    const ann = createAnn();
    const { recordId, userId, sessionId, avatarSessionId } = tokenOf(ann);
    ann.act('start', { userId, sessionId, avatarSessionId, avatarName: null });
    ann.act('failStart', { recordId, userId, errorMessage: 'the vendor is full' });
    expect(ann.act('hold', again('chat'))).toMatchObject({ outcome: 'reissued', recordId });

    ann.act('start', { userId, sessionId, avatarSessionId, avatarName: null });
    expect(ann.act('hold', again('chat'))).toMatchObject({ outcome: 'concurrency', prospect: { isStopping: true } });
    expect(ann.state.records).toMatchObject([{ endReason: 'superseded', sealedToken: null }]);
  });

  it('is waited for while it is minted, for as long as a mint may take', () => {
    const ann = createAnn();
    ann.act('hold', again('chat'));
    expect(ann.act('hold', again('chat'))).toEqual({ outcome: 'minting', grantSeconds: 600 });
    ann.now += 15_000;
    expect(ann.act('hold', again('chat'))).toEqual({ outcome: 'granted', grantSeconds: 600 });
  });

  it('is not handed out when the vendor will accept it for less than half a minute', () => {
    const ann = createDecider({ policy: { tokenTtlSeconds: 3_600 } });
    tokenOf(ann);
    ann.now += HOUR - 29_000;
    expect(ann.act('hold', again('chat'))).toMatchObject({ outcome: 'granted' });
  });
});

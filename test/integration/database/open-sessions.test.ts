import { describe, expect, it } from 'vitest';
import { ALWAYS, dueWork } from '../../support/due-work.ts';
import { holdLock } from '../../support/lock.ts';
import { createTestStore, holdRequest } from '../../support/store.ts';
import { waitForBlocked } from '../../support/wait-for.ts';

/** A store with a token whose vendor has named no session. */
async function unnamedToken() {
  const test = await createTestStore();
  const { store, pool, clock } = test;
  const hold = holdRequest({ vendor: 'heygen', vendorMode: 'INTERACTIVE', vendorCaps: false });
  const { recordId, userId, sessionId } = hold;
  await store.hold(hold);
  await store.attach({ userId: 'ann', recordId, avatarSessionId: null, tokenHash: new Uint8Array(32) });
  const { sweep } = dueWork(test, { vendorName: 'heygen' });
  return {
    ...test,
    recordId,
    sessionId,
    open: (avatarName: string | null = null, node = store) => node.open({ recordId, userId, avatarName }),
    name: (avatarSessionId = 'stream-1') => store.name({ userId: 'ann', recordId, avatarSessionId }),
    /** A newer token of the same conversation. */
    supersede: (node = store) => node.hold({ ...holdRequest({ vendor: 'heygen', vendorCaps: false }), sessionId }),
    sweep: () => sweep(ALWAYS),
    /** Holds the record, so that the first side of a race waits for it, and the other for the first. */
    holdRecord: () => holdLock(pool, 'SELECT FROM avatar_usage_records WHERE id = $1 FOR UPDATE', [recordId]),
    clock,
    async record() {
      const { rows } = await pool.query(
        'SELECT status, end_reason, avatar_session_id, avatar_name, held_seconds FROM avatar_usage_records WHERE id = $1',
        [recordId],
      );
      return rows[0];
    },
    async stops() {
      const { rows } = await pool.query('SELECT vendor, avatar_session_id, reason FROM vendor_stops');
      return rows;
    },
  };
}

describe('a session that the vendor names later', () => {
  it('starts without a name, takes the avatar that the page has chosen, and is named once', async () => {
    await using token = await unnamedToken();
    expect(await token.open('Ann')).toBe('started');
    expect(await token.record()).toMatchObject({ status: 'active', avatar_session_id: null, avatar_name: 'Ann' });
    expect(await token.name()).toBe(true);
    expect(await token.name('stream-2')).toBe(false);
    expect(await token.record()).toMatchObject({ status: 'active', avatar_session_id: 'stream-1', held_seconds: 1800 });
    expect(await token.stops()).toEqual([]);
  });

  it('is opened by its token only once, also after it has ended', async () => {
    await using token = await unnamedToken();
    await token.open();
    expect(await token.open()).toBe('taken');
    await token.name();
    expect(await token.open()).toBe('taken');
    await token.store.close({ recordId: token.recordId, userId: 'ann', reason: 'user_ended', errorMessage: null });
    expect(await token.open()).toBe('ended');
  });

  it('is not opened by an expired token', async () => {
    await using token = await unnamedToken();
    token.clock.advance(300);
    expect(await token.open()).toBe('ended');
    expect(await token.record()).toMatchObject({ status: 'expired', end_reason: 'token_expired' });
  });

  it('is opened with others in one statement', async () => {
    await using token = await unnamedToken();
    const { store } = token;
    const others = await Promise.all(
      ['bob', 'eve', 'joe'].map(async (userId) => {
        const hold = holdRequest({ userId, vendorCaps: false });
        await store.hold(hold);
        await store.attach({
          userId,
          recordId: hold.recordId,
          avatarSessionId: null,
          tokenHash: new Uint8Array(32).fill(1),
        });
        return hold;
      }),
    );
    const open = ({ recordId, userId }: { recordId: string; userId: string }) =>
      store.open({ recordId, userId, avatarName: null });
    await open(others[1] ?? { recordId: '', userId: '' });
    const outcomes = await Promise.all([token.open(), ...others.map(open)]);
    expect(outcomes).toEqual(['started', 'started', 'taken', 'started']);
  });

  it('that ended before its name was known is noted for a stop', async () => {
    await using token = await unnamedToken();
    await token.open();
    await token.supersede();
    expect(await token.stops()).toEqual([]);
    expect(await token.name()).toBe(false);
    expect(await token.stops()).toEqual([{ vendor: 'heygen', avatar_session_id: 'stream-1', reason: 'superseded' }]);
  });
});

// Each race is held at a lock until both sides are under way. The first to wait is served first.

describe('two openings by one token', () => {
  it('on two nodes start one session', async () => {
    await using token = await unnamedToken();
    await using lock = await token.holdRecord();
    const first = token.open();
    await waitForBlocked(token.pool);
    const second = token.open(null, token.anotherNode());
    await waitForBlocked(token.pool, 2);
    await lock.release();
    expect(await Promise.all([first, second])).toEqual(['started', 'taken']);
  });
});

describe('an opening and a newer token of its conversation', () => {
  it('start the session and end it when the opening comes first', async () => {
    await using token = await unnamedToken();
    await using lock = await token.holdRecord();
    const opened = token.open();
    await waitForBlocked(token.pool);
    const held = token.supersede(token.anotherNode());
    await waitForBlocked(token.pool, 2);
    await lock.release();
    expect(await opened).toBe('started');
    expect(await held).toMatchObject({ outcome: 'granted' });
    expect(await token.record()).toMatchObject({ status: 'completed', end_reason: 'superseded' });
  });

  it('refuse the opening when the token comes first, and leave the newer token unused', async () => {
    await using token = await unnamedToken();
    await using lock = await token.holdRecord();
    const held = token.supersede();
    await waitForBlocked(token.pool);
    const opened = token.open(null, token.anotherNode());
    await waitForBlocked(token.pool, 2);
    await lock.release();
    expect(await held).toMatchObject({ outcome: 'granted' });
    expect(await opened).toBe('ended');
    const { rows } = await token.pool.query('SELECT status FROM avatar_usage_records ORDER BY created_at, status');
    expect(rows.map(({ status }) => status).sort()).toEqual(['expired', 'reserved']);
  });
});

describe('an opening and the end of the token’s time to live', () => {
  it('refuse the opening when the sweep comes first', async () => {
    await using token = await unnamedToken();
    token.clock.advance(300);
    await using lock = await token.holdRecord();
    const swept = token.sweep();
    await waitForBlocked(token.pool);
    // by the clock of its node there is a second left
    const opened = token.open(null, token.anotherNode(1));
    await waitForBlocked(token.pool, 2);
    await lock.release();
    expect(await swept).toBe(1);
    expect(await opened).toBe('ended');
  });
});

describe('a naming and the deadline', () => {
  it.each(['naming', 'deadline'] as const)('leave one stop when the %s comes first', async (first) => {
    await using token = await unnamedToken();
    await token.open();
    token.clock.advance(1800);
    await using lock = await token.holdRecord();
    const acts = { naming: () => token.name(), deadline: () => token.sweep() };
    if (first === 'naming') {
      const named = acts.naming();
      await waitForBlocked(token.pool);
      await lock.release();
      expect(await named).toBe(true);
      expect(await acts.deadline()).toBe(1);
    } else {
      await lock.release();
      expect(await acts.deadline()).toBe(1);
      expect(await acts.naming()).toBe(false);
    }
    expect(await token.stops()).toMatchObject([{ avatar_session_id: 'stream-1', reason: 'deadline_reached' }]);
  });
});

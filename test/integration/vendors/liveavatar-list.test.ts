import { describe, expect, it } from 'vitest';
import { API_KEY, collect, failureOf, simulate } from './simulated-vendor.ts';

describe('a session', () => {
  it('is given with what it has cost so far', async () => {
    const { vendor, startSession, pass, now } = await simulate();
    const createdAt = now();
    const id = await startSession();
    pass(125);
    expect(await vendor.get(id)).toEqual({
      avatarSessionId: id,
      active: true,
      createdAt,
      endedAt: null,
      durationSeconds: 125,
      creditsConsumed: '6',
      mode: 'FULL',
      source: 'API',
      endReason: null,
    });
  });

  it('is gone if nobody knows its id or its token was never used', async () => {
    const { vendor } = await simulate();
    const { avatarSessionId } = await vendor.mint({ avatarName: 'Ann', maxSessionSeconds: 60 });
    expect((await failureOf(vendor.get(avatarSessionId ?? ''))).kind).toBe('gone');
    expect((await failureOf(vendor.get('no/such?session'))).kind).toBe('gone');
  });
});

describe('the list of active sessions', () => {
  it('is read in pages of one hundred until the last', async () => {
    const { vendor, simulator, startSession } = await simulate();
    const ids = new Set<string>();
    for (let count = 0; count < 230; count += 1) ids.add(await startSession());

    const found = await collect(vendor.listActive());
    expect(found).toHaveLength(230);
    expect(new Set(found.map(({ avatarSessionId }) => avatarSessionId))).toEqual(ids);
    expect(found.every(({ active }) => active)).toBe(true);
    const lists = simulator.requests().filter(({ path }) => path === '/v1/sessions');
    expect(lists.map(({ query }) => query)).toEqual(
      ['1', '2', '3'].map((page) => ({ type: 'active', page, page_size: '100' })),
    );
    expect(lists.every(({ headers }) => headers['x-api-key'] === API_KEY)).toBe(true);
  });

  it('is empty where nothing runs', async () => {
    const { vendor } = await simulate();
    expect(await collect(vendor.listActive())).toEqual([]);
  });

  it('gives a session once that has slipped to the next page meanwhile', async () => {
    const { vendor, simulator } = await simulate();
    const page = (next: string | null, ...ids: string[]) => ({
      code: 100,
      data: {
        count: 3,
        next,
        results: ids.map((id) => ({ id, created_at: '2026-11-05T12:00:00Z', duration: 1, credits_consumed: '2.5' })),
      },
    });
    simulator.failNext({ path: '/v1/sessions', status: 200, body: page('http://elsewhere.invalid/?page=9', 'a', 'b') });
    simulator.failNext({ path: '/v1/sessions', status: 200, body: page(null, 'b', 'c') });
    const found = await collect(vendor.listActive());
    expect(found.map(({ avatarSessionId }) => avatarSessionId)).toEqual(['a', 'b', 'c']);
    expect(found[0]?.creditsConsumed).toBe('2.5');
  });

  it('ends with a page that brings nothing new, although it names a next one', async () => {
    const { vendor, simulator } = await simulate();
    const results = [{ id: 'a', created_at: '2026-11-05T12:00:00Z', duration: 1 }];
    const body = { code: 100, data: { count: 1, next: 'http://elsewhere.invalid/?page=2', results } };
    simulator.failNext({ path: '/v1/sessions', status: 200, body, times: 1000 });

    expect(await collect(vendor.listActive())).toHaveLength(1);

    expect(simulator.requests().filter(({ path }) => path === '/v1/sessions')).toHaveLength(2);
  });

  it('is refused where an answer is larger than any page', async () => {
    const { vendor, simulator } = await simulate();
    simulator.failNext({ path: '/v1/sessions', status: 200, body: 'x'.repeat(8 * 1024 * 1024 + 1) });
    const failure = await failureOf(collect(vendor.listActive()));
    expect(failure.kind).toBe('unavailable');
    expect(failure.message).toContain('answered with more than 8388608 bytes');
  });

  it('gives the entries that can be read, and names the others', async () => {
    const { vendor, simulator } = await simulate();
    const good = { id: 'good', created_at: '2026-11-05T12:00:00Z', duration: 1 };
    const results = [{ ...good, id: 'bad', duration: -1 }, good, { duration: 2 }];
    const body = { code: 100, data: { count: 3, next: null, results } };
    simulator.failNext({ path: '/v1/sessions', status: 200, body, times: 2 });
    const unreadable: unknown[] = [];

    const found = await collect(vendor.listActive(undefined, (entry) => unreadable.push(entry)));

    expect(found.map(({ avatarSessionId }) => avatarSessionId)).toEqual(['good']);
    expect(unreadable).toEqual([
      { avatarSessionId: 'bad', problem: 'Its entry is in an unknown form: duration' },
      { avatarSessionId: null, problem: 'Its entry is in an unknown form: id, created_at' },
    ]);
    expect((await failureOf(collect(vendor.listActive()))).kind).toBe('unavailable');
  });

  it('fails in the middle rather than pass for complete', async () => {
    const { vendor, simulator, startSession } = await simulate();
    for (let count = 0; count < 101; count += 1) await startSession();
    const reading = vendor.listActive()[Symbol.asyncIterator]();
    await reading.next();
    simulator.failNext({ path: '/v1/sessions', status: 502 });
    const rest = async () => {
      while (!(await reading.next()).done);
    };
    expect((await failureOf(rest())).kind).toBe('unavailable');
  });
});

describe('the list of ended sessions', () => {
  it('goes newest first down to the given moment and reads no further', async () => {
    const { vendor, simulator, startSession, pass, now } = await simulate();
    for (let count = 0; count < 150; count += 1) await vendor.stop(await startSession(), 'user_ended');
    pass(60);
    const since = now();
    const recent: string[] = [];
    for (let count = 0; count < 120; count += 1) {
      const id = await startSession();
      await vendor.stop(id, 'user_ended');
      recent.unshift(id);
    }
    const running = await startSession();

    const found = await collect(vendor.listEnded(since));
    expect(found.map(({ avatarSessionId }) => avatarSessionId)).toEqual(recent);
    expect(recent).not.toContain(running);
    expect(found[0]).toMatchObject({ active: false, endReason: 'USER_CLOSED', endedAt: now() });
    const lists = simulator.requests().filter(({ path }) => path === '/v1/sessions');
    expect(lists.map(({ query }) => query.page)).toEqual(['1', '2', '3']);
  });
});

describe('the balance', () => {
  it('is the decimal that the vendor gives', async () => {
    const { vendor, simulator } = await simulate({ credits: '12.5' });
    expect(await vendor.balance()).toBe('12.50');
    simulator.failNext({ path: '/v1/users/credits', status: 200, body: { code: 100, data: { credits_left: 7.25 } } });
    expect(await vendor.balance()).toBe('7.25');
  });
});

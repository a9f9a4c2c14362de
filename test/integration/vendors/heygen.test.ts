import { describe, expect, it } from 'vitest';
import { simulateHeyGen } from './simulated-heygen.ts';
import { API_KEY, collect, failureOf } from './simulated-vendor.ts';

const UNKNOWN_ID = '99999999-9999-4999-8999-999999999999';
const MINT = { avatarName: 'Ann', maxSessionSeconds: 60 };

describe('a mint', () => {
  it('asks for a token with the key and nothing else: it names no session and takes no cap', async () => {
    const { vendor, simulator } = await simulateHeyGen();
    expect(await vendor.mint(MINT)).toEqual({
      avatarSessionId: null,
      token: expect.stringMatching(/^eyJ/),
      endsAt: expect.any(Date),
    });
    expect(vendor.capabilities).toMatchObject({ capAtMint: false });
    const [request] = simulator.requests();
    expect(request).toMatchObject({
      method: 'POST',
      path: '/v1/streaming.create_token',
      query: {},
      headers: { 'x-api-key': API_KEY, accept: 'application/json' },
      body: '',
    });
    expect(request?.headers.authorization).toBeUndefined();
    expect(simulator.heygenSessions()).toEqual([]);
  });

  it('takes any name, since the avatar is chosen when a session is opened', async () => {
    const { vendor } = await simulateHeyGen();
    expect(vendor.avatarNames).toEqual([]);
    expect(vendor.knowsAvatar('Zoe')).toBe(true);
    expect(vendor.modeOf('Zoe')).toBe('INTERACTIVE');
    expect(vendor.creditsPerMinute('INTERACTIVE')).toBe('0.2');
    expect(vendor.creditsPerMinute('FULL')).toBeNull();
  });
});

describe('a stop', () => {
  it('is a POST that names the session, and ends it now', async () => {
    const { vendor, simulator, startSession, pass, now } = await simulateHeyGen();
    const id = await startSession();
    pass(61);
    await vendor.stop(id, 'deadline_reached');
    expect(simulator.requests().at(-1)).toMatchObject({
      method: 'POST',
      path: '/v1/streaming.stop',
      headers: { 'x-api-key': API_KEY },
      body: JSON.stringify({ session_id: id }),
    });
    expect(simulator.heygenSessions()).toMatchObject([{ id, endedAt: now().getTime() }]);
  });

  it('succeeds on a session that is closed, and on one that nobody knows', async () => {
    const { vendor, simulator, startSession, pass } = await simulateHeyGen();
    const id = await startSession();
    await vendor.stop(id, 'user_ended');
    const first = simulator.heygenSessions();
    pass(30);
    await vendor.stop(id, 'deadline_reached');
    expect(simulator.heygenSessions()).toEqual(first);
    await expect(vendor.stop(UNKNOWN_ID, 'admin_ended')).resolves.toBe('stopped');
  });

  it('does not take "not found" for an end while the session is on the list of active ones', async () => {
    const { vendor, simulator, startSession } = await simulateHeyGen();
    const id = await startSession();
    simulator.failNext({ path: '/v1/streaming.stop', status: 404, body: '<h1>Not found</h1>' });
    const failure = await failureOf(vendor.stop(id, 'user_ended'));
    expect(failure.kind).toBe('unknown');
    expect(failure.message).toContain('yet it runs');
  });

  it('fails when the vendor cannot be asked whether the session runs', async () => {
    const { vendor, simulator, startSession } = await simulateHeyGen();
    const id = await startSession();
    simulator.failNext({
      path: '/v1/streaming.stop',
      status: 400,
      body: { code: 10006, message: 'Session not found' },
    });
    simulator.failNext({ path: '/v1/streaming.list', status: 503 });
    expect((await failureOf(vendor.stop(id, 'user_ended'))).kind).toBe('unavailable');
  });

  it.each([{ code: 100, data: null, message: 'success' }, { status: 'success' }, { error: null, data: {} }])(
    'takes %j for a confirmation',
    async (body) => {
      const { vendor, simulator } = await simulateHeyGen();
      simulator.failNext({ path: '/v1/streaming.stop', status: 200, body });
      await expect(vendor.stop(UNKNOWN_ID, 'user_ended')).resolves.toBe('stopped');
    },
  );

  it.each([
    ['unknown', { code: 10004, message: 'session state wrong: closing' }],
    ['unknown', { error: 'Busy', data: null }],
    ['unavailable', {}],
    ['unavailable', '<html>Welcome</html>'],
  ])('is %s, and not confirmed, by a 200 with %j', async (kind, body) => {
    const { vendor, simulator } = await simulateHeyGen();
    simulator.failNext({ path: '/v1/streaming.stop', status: 200, body });
    expect((await failureOf(vendor.stop(UNKNOWN_ID, 'user_ended'))).kind).toBe(kind);
  });
});

describe('a keep-alive', () => {
  it('puts off the idle end, which the opener chooses', async () => {
    const { vendor, startSession, pass } = await simulateHeyGen();
    const id = await startSession({ activity_idle_timeout: 300 });
    pass(299);
    await vendor.keepAlive(id);
    pass(299);
    expect((await vendor.get(id)).active).toBe(true);
    pass(1);
    expect((await vendor.get(id)).active).toBe(false);
    expect((await failureOf(vendor.keepAlive(id))).kind).toBe('gone');
  });
});

describe('a session', () => {
  it('is found among the active ones, counted by our clock, and then in the history, by the vendor’s figure', async () => {
    const { vendor, startSession, pass, now } = await simulateHeyGen();
    const createdAt = now();
    const id = await startSession();
    pass(75);
    const session = { avatarSessionId: id, createdAt, creditsConsumed: null, endReason: null, source: null };
    expect(await vendor.get(id)).toEqual({
      ...session,
      active: true,
      endedAt: null,
      durationSeconds: 75,
      mode: 'INTERACTIVE',
    });
    await vendor.stop(id, 'user_ended');
    const endedAt = now();
    pass(1000);
    expect(await vendor.get(id)).toEqual({
      ...session,
      active: false,
      endedAt,
      durationSeconds: 75,
      mode: 'INTERACTIVE',
    });
  });

  it('is gone if nobody knows its id', async () => {
    const { vendor } = await simulateHeyGen();
    expect((await failureOf(vendor.get(UNKNOWN_ID))).kind).toBe('gone');
  });
});

describe('the history', () => {
  it('goes newest first down to the given moment, without those that run, and reads no further', async () => {
    const { vendor, simulator, startSession, pass, now } = await simulateHeyGen();
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
    expect((await collect(vendor.listActive())).map(({ avatarSessionId }) => avatarSessionId)).toEqual([running]);

    const found = await collect(vendor.listEnded(since));
    expect(found.map(({ avatarSessionId }) => avatarSessionId)).toEqual(recent);
    const lists = simulator.requests().filter(({ path }) => path === '/v2/streaming.list');
    expect(lists.map(({ query }) => query)).toEqual([
      { page: '1', page_size: '100' },
      { page: '2', page_size: '100', token: '2' },
      { page: '3', page_size: '100', token: '3' },
    ]);
  });

  it('takes a session for over that still bears a running state, but is not among the active ones', async () => {
    const { vendor, simulator, startSession } = await simulateHeyGen();
    const running = await startSession();
    const entry = { status: 'connected', created_at: 1_793_880_000, duration: 12 };
    simulator.failNext({
      path: '/v2/streaming.list',
      status: 200,
      body: {
        total: 2,
        data: [
          { ...entry, session_id: running },
          { ...entry, session_id: 'old' },
        ],
      },
    });
    const found = await collect(vendor.listEnded(new Date(0)));
    expect(found).toMatchObject([{ avatarSessionId: 'old', durationSeconds: 12 }]);
  });

  it('gives the entries that can be read, and names the others, also when one session is asked for', async () => {
    const { vendor, simulator } = await simulateHeyGen();
    const good = { session_id: 'good', status: 'closed', created_at: 1_793_880_000, duration: 12 };
    const body = { total: 2, data: [{ ...good, session_id: 'bad', created_at: 1e300 }, good] };
    simulator.failNext({ path: '/v2/streaming.list', status: 200, body, times: 3 });
    const unreadable: unknown[] = [];

    expect(await collect(vendor.listEnded(new Date(0), undefined, (entry) => unreadable.push(entry)))).toMatchObject([
      { avatarSessionId: 'good' },
    ]);

    expect(unreadable).toMatchObject([{ avatarSessionId: 'bad' }]);
    expect(await vendor.get('good')).toMatchObject({ durationSeconds: 12 });
    expect((await failureOf(vendor.get('bad'))).kind).toBe('unknown');
  });

  it('ends where a page brings nothing new, whichever way the pages are asked for', async () => {
    const { vendor, simulator } = await simulateHeyGen();
    const data = Array.from({ length: 100 }, (_, index) => ({
      session_id: `s${index}`,
      status: 'closed',
      created_at: 1_793_880_000,
      duration: 1,
    }));
    const body = { total: 100, next_pagination_token: 'again', data };
    simulator.failNext({ path: '/v2/streaming.list', status: 200, body, times: 2 });
    expect(await collect(vendor.listEnded(new Date(0)))).toHaveLength(100);
    expect(simulator.requests()).toHaveLength(2);
  });
});

describe('the balance', () => {
  it('is reported in credits, of which the vendor counts sixtieths', async () => {
    const { vendor, simulator, startSession, pass } = await simulateHeyGen({ credits: '12.5' });
    expect(await vendor.balance()).toBe('12.50');
    await startSession({ activity_idle_timeout: 3600 });
    pass(90);
    expect(await vendor.balance()).toBe('12.20');
    const body = { error: null, data: { remaining_quota: 7.1 } };
    simulator.failNext({ path: '/v2/user/remaining_quota', status: 200, body });
    expect(await vendor.balance()).toBe('0.118333');
  });
});

import { once } from 'node:events';
import { describe, expect, it, type TestContext } from 'vitest';
import { openBrowser } from '../support/chromium.ts';
import { socketClient } from '../support/clients.ts';
import { createTestClock } from '../support/clock.ts';
import { DELIVERIES, type Delivery } from '../support/delivery.ts';
import { HEYGEN } from '../support/heygen-calls.ts';
import { startHeyGenFront } from '../support/heygen-front.ts';
import { HeyGenTab, serveHeyGenPage } from '../support/heygen-page.ts';
import { createToken, readRecord } from '../support/operations.ts';
import { startTestService } from '../support/service.ts';

// HeyGen's SDK 2.1.0 from npm, unmodified, in a page of another origin. Its calls and its chat socket reach the service and,
// through it, the simulated vendor. The SDK insists on joining a LiveKit room: that is played at the browser's network.

describe.each(DELIVERIES)('with $TOKEN_DELIVERY delivery, a session of the SDK', (delivery) => {
  it('starts, speaks, keeps alive and stops: our record and the vendor’s session agree', async (context) => {
    await using test = await startTab(context, delivery);
    const { service, front, tab, user, clock, record } = test;

    expect(await tab.start({ quality: 'low', activityIdleTimeout: 60 })).toMatchObject({
      session_id: expect.any(String),
    });
    const said = once(front.chat().socket, 'message');
    await tab.talk('Good morning');
    expect(String(await said)).toContain('Good morning');
    clock.advance(50);
    expect(await tab.repeat('Hello')).toMatchObject({ task_id: expect.any(String) });
    clock.advance(50);
    expect(await tab.keepAlive()).toBeNull();
    clock.advance(50);
    expect(await tab.stop()).toBeNull();

    const ended = await readRecord(service, user, record.id);
    expect(ended).toMatchObject({ status: 'COMPLETED', endReason: 'USER_ENDED', durationSeconds: 150 });
    expect(service.simulator.heygenSessions()).toMatchObject([
      { id: ended.avatarSessionId, avatarName: 'Ann', idleSeconds: 60, tasks: ['Hello'] },
    ]);
    expect(vendorSeconds(service.simulator.heygenSessions())).toBe(150);
    expect(tab.errors).toEqual([]);
  });

  it('opens nothing with a token that has opened its session in another tab', async (context) => {
    await using test = await startTab(context, delivery);
    const { service, tab, anotherTab } = test;
    await tab.start();
    const second = await anotherTab();
    expect(await second.start()).toMatchObject({ status: 409, text: expect.stringContaining('createToken') });
    expect(service.simulator.heygenSessions()).toHaveLength(1);
  });

  it('receives the reason why a token cannot be used, and the vendor is not called', async (context) => {
    await using test = await startTab(context, delivery);
    const { service, tab, user, record } = test;
    await createToken(service, user, { sessionId: record.sessionId, avatarName: 'anna' });
    expect(await tab.start()).toMatchObject({ status: 410, text: expect.stringContaining('createToken') });
    expect(service.simulator.heygenSessions()).toEqual([]);
  });

  it('does nothing from a page of an origin that is not configured', async (context) => {
    await using test = await startTab(context, delivery, { foreign: true });
    const { service, tab, user, record } = test;
    expect(await tab.start()).toMatchObject({ failed: 'Failed to fetch' });
    expect(await readRecord(service, user, record.id)).toMatchObject({ status: 'RESERVED' });
    expect(service.simulator.heygenSessions()).toEqual([]);
  });

  it('in a tab that is closed is stopped at the vendor when its deadline is reached', async (context) => {
    await using page = await serveHeyGenPage();
    await using browser = await openBrowser(context);
    await using front = await startHeyGenFront();
    await using service = await startTestService({
      ...HEYGEN,
      ...delivery,
      HEYGEN_BASE_URL: front.url,
      CORS_ORIGINS: page.origin,
      MIN_SESSION_SECONDS: '1',
      MAX_SESSION_SECONDS: '3',
    });
    front.standBefore(service.simulator);
    const user = await service.token('ann');
    await using client = socketClient(service, user);
    const inbox = client.watchQuota();
    const { token } = await createToken(service, user);
    const tab = await HeyGenTab.open(browser.context, page.origin, `${service.url}/heygen`, token);
    await tab.start();
    await tab.page.close();

    const { record } = await inbox.find(({ reason }) => reason === 'SESSION_ENDED');
    expect(record).toMatchObject({ endReason: 'DEADLINE_REACHED', durationSeconds: 3 });
    await expect.poll(() => service.simulator.heygenSessions()[0]?.endedAt).not.toBeNull();
    expect(Math.round(vendorSeconds(service.simulator.heygenSessions()))).toBe(3);
  });
});

/** A page with the SDK, its token, and a service whose time stands still. */
async function startTab(context: TestContext, delivery: Delivery, { foreign = false } = {}) {
  await using parts = new AsyncDisposableStack();
  const page = parts.use(await serveHeyGenPage());
  const browser = parts.use(await openBrowser(context));
  const clock = createTestClock();
  const front = parts.use(await startHeyGenFront());
  const settings = { ...HEYGEN, ...delivery, HEYGEN_BASE_URL: front.url, CORS_ORIGINS: page.origin };
  const service = parts.use(await startTestService(settings, { clock: clock.now }));
  front.standBefore(service.simulator);
  const user = await service.token('ann');
  const { token, record } = await createToken(service, user);
  const origin = foreign ? page.otherOrigin : page.origin;
  const anotherTab = () => HeyGenTab.open(browser.context, origin, `${service.url}/heygen`, token);
  const tab = await anotherTab();
  const rest = parts.move();
  return { service, front, tab, anotherTab, user, clock, record, [Symbol.asyncDispose]: () => rest.disposeAsync() };
}

function vendorSeconds([session]: readonly { createdAt: number; endedAt: number | null }[]): number {
  return ((session?.endedAt ?? Number.NaN) - (session?.createdAt ?? Number.NaN)) / 1000;
}

import { describe, expect, it, type TestContext } from 'vitest';
import { openBrowser } from '../support/chromium.ts';
import { socketClient } from '../support/clients.ts';
import { createTestClock } from '../support/clock.ts';
import { DELIVERIES, type Delivery } from '../support/delivery.ts';
import { AvatarTab, servePage } from '../support/liveavatar-page.ts';
import { createToken, endSession, readRecord } from '../support/operations.ts';
import { startTestService } from '../support/service.ts';

// LiveAvatar's SDK from npm, unmodified, in a page of another origin. The simulated vendor names no media server, and so
// the SDK is connected when its calls are answered.

describe.each(DELIVERIES)('with $TOKEN_DELIVERY delivery, a session of the SDK', (delivery) => {
  it('starts, keeps alive and stops: our record and the vendor’s session agree', async (context) => {
    await using test = await startTab(context, delivery);
    const { service, tab, user, clock, record } = test;

    expect(await tab.start()).toEqual({ state: 'CONNECTED', maxSessionDuration: 1800 });
    expect(await readRecord(service, user, record.id)).toMatchObject({ status: 'ACTIVE' });
    clock.advance(100);
    expect(await tab.keepAlive()).toBe(200);
    // longer than the vendor lets a session go without it
    clock.advance(250);
    expect(await tab.stop()).toBe(200);

    const ended = await readRecord(service, user, record.id);
    expect(ended).toMatchObject({ status: 'COMPLETED', endReason: 'USER_ENDED', durationSeconds: 350 });
    expect(service.simulator.sessions()).toMatchObject([{ id: ended.avatarSessionId, endReason: expect.any(String) }]);
    expect(vendorSeconds(service.simulator.sessions())).toBe(350);
    expect(tab.errors).toEqual([]);
  });

  it('may stop what the app has ended already', async (context) => {
    await using test = await startTab(context, delivery);
    const { service, tab, user, record } = test;
    await tab.start();
    const { avatarSessionId } = await readRecord(service, user, record.id);
    await endSession(service, user, avatarSessionId);
    expect(await tab.stop()).toBe(200);
    expect(tab.errors).toEqual([]);
  });

  it('receives the reason why a token cannot be used, and the vendor is not called', async (context) => {
    await using test = await startTab(context, delivery);
    const { service, tab, user, record } = test;
    await createToken(service, user, { sessionId: record.sessionId, avatarName: 'anna' });
    expect(await tab.start()).toEqual({
      failed: expect.stringContaining('Ask for a new token with createToken.'),
      errorCode: 410,
    });
    expect(service.simulator.sessions().filter(({ startedAt }) => startedAt !== null)).toEqual([]);
    expect(tab.errors).toEqual([]);
  });

  it('does nothing from a page of an origin that is not configured', async (context) => {
    await using test = await startTab(context, delivery, { foreign: true });
    const { service, tab, user, record } = test;
    expect(await tab.start()).toMatchObject({ failed: 'API request failed' });
    expect(await readRecord(service, user, record.id)).toMatchObject({ status: 'RESERVED' });
  });

  it('in a tab that is closed ends at its deadline, by our count as by the vendor’s', async (context) => {
    await using page = await servePage();
    await using browser = await openBrowser(context);
    await using service = await startTestService({
      ...delivery,
      CORS_ORIGINS: page.origin,
      MIN_SESSION_SECONDS: '1',
      MAX_SESSION_SECONDS: '3',
    });
    const user = await service.token('ann');
    await using client = socketClient(service, user);
    const inbox = client.watchQuota();
    const { token } = await createToken(service, user);
    const tab = await AvatarTab.open(browser.context, page.origin, `${service.url}/liveavatar`, token);
    await tab.start();
    await tab.page.close();

    const { record } = await inbox.find(({ reason }) => reason === 'SESSION_ENDED');
    expect(record).toMatchObject({ endReason: 'DEADLINE_REACHED', durationSeconds: 3 });
    // the vendor's clock started with its own answer, and its cap has ended the session, or our stop just before
    await expect.poll(() => service.simulator.sessions()[0]?.endedAt).not.toBeNull();
    expect(Math.round(vendorSeconds(service.simulator.sessions()))).toBe(3);
  });
});

/** A page with the SDK, its token, and a service whose time stands still. */
async function startTab(context: TestContext, delivery: Delivery, { foreign = false } = {}) {
  await using parts = new AsyncDisposableStack();
  const page = parts.use(await servePage());
  const browser = parts.use(await openBrowser(context));
  const clock = createTestClock();
  const service = parts.use(await startTestService({ ...delivery, CORS_ORIGINS: page.origin }, { clock: clock.now }));
  const user = await service.token('ann');
  const { token, record } = await createToken(service, user);
  const origin = foreign ? page.otherOrigin : page.origin;
  const tab = await AvatarTab.open(browser.context, origin, `${service.url}/liveavatar`, token);
  const rest = parts.move();
  return { service, tab, user, clock, record, [Symbol.asyncDispose]: () => rest.disposeAsync() };
}

function vendorSeconds([session]: readonly { startedAt: number | null; endedAt: number | null }[]): number {
  return ((session?.endedAt ?? Number.NaN) - (session?.startedAt ?? Number.NaN)) / 1000;
}

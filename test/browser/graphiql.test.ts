import { rm } from 'node:fs/promises';
import { pino } from 'pino';
import type { BrowserContext } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { startService } from '../../src/compose.ts';
import { loadConfig } from '../../src/config.ts';
import { openBrowser } from '../support/chromium.ts';
import { createDataDirectory } from '../support/data-directory.ts';
import { GraphiqlWindow } from '../support/graphiql.ts';

const TABS = [
  'Quota',
  'QuotaUpdated',
  'CreateToken',
  'TrackStart',
  'TrackHeartbeat',
  'TrackEnd',
  'UsageHistory',
  'UsageSummary',
  'CanCreateSession',
];

describe('GraphiQL', { timeout: 120_000 }, () => {
  it('opens without a request that leaves the machine and shows what the demo user has used', async (test) => {
    await using browser = await openBrowser(test);
    await using service = await startDemo();
    const seen = watch(browser.context);

    const window = await GraphiqlWindow.open(browser.context, service.url);
    expect(await window.tabs()).toEqual(TABS);
    await window.run();
    await window.answer('"usedMinutes": 47,', '"limitMinutes": 60,', '"percentUsed": 78.33,');
    await window.page.getByRole('button', { name: 'Show Documentation Explorer' }).click();
    await window.page.getByText('CreateTokenResult', { exact: true }).waitFor();

    expect(seen.origins).toEqual(new Set([service.url]));
    expect(seen.complaints).toEqual([]);
  });

  it('pushes over WebSocket what another window does', async (test) => {
    await using browser = await openBrowser(test);
    await using service = await startDemo();
    const seen = watch(browser.context);

    const live = await GraphiqlWindow.open(browser.context, service.url);
    await live.choose('QuotaUpdated');
    await live.run();
    await live.answer('"reason": "SNAPSHOT"', '"percentUsed": 78.33,');
    expect(seen.sockets).toEqual([`${service.url.replace('http', 'ws')}/graphql`]);

    const acting = await GraphiqlWindow.open(browser.context, service.url);
    const avatarSessionId = await createToken(acting);
    await live.answer('"reason": "TOKEN_CREATED"', '"status": "RESERVED"');
    await sendFor(avatarSessionId, 'TrackStart', acting);
    await live.answer('"reason": "SESSION_STARTED"', '"status": "ACTIVE"');
    await sendFor(avatarSessionId, 'TrackHeartbeat', acting);
    await sendFor(avatarSessionId, 'TrackEnd', acting);
    await live.answer('"reason": "SESSION_ENDED"', '"endReason": "USER_ENDED"');

    expect(seen.origins).toEqual(new Set([service.url]));
    expect(seen.complaints).toEqual([]);
  });

  it('opens on the examples where another program has left its tabs, and keeps one’s own, but no token', async (test) => {
    await using browser = await openBrowser(test);
    await using service = await startDemo();
    const foreign = { id: '1', title: 'Foreign', query: '{ foreign }', variables: null, operationName: null };
    await browser.context.addInitScript(`
      if (!localStorage.getItem('visited')) {
        localStorage.setItem('visited', 'yes');
        localStorage.setItem('graphiql:headers', '{ "Authorization": "Bearer foreign" }');
        localStorage.setItem('graphiql:tabState', ${JSON.stringify(
          JSON.stringify({ activeTabIndex: 0, tabs: [{ ...foreign, headers: null, response: null }] }),
        )});
      }
    `);

    const first = await GraphiqlWindow.open(browser.context, service.url);
    expect(await first.tabs()).toEqual(TABS);
    await first.run();
    await first.answer('"usedMinutes": 47');
    await first.choose('TrackEnd');
    await first.replace('PASTE', 'mine');
    await first.page.waitForFunction(`localStorage.getItem('graphiql:tabState').includes('mine')`);

    const second = await GraphiqlWindow.open(browser.context, service.url);
    expect(await second.tabs()).toEqual(TABS);
    expect(await second.activeTab()).toBe('TrackEnd');
    await second.page.getByText('"mine"').waitFor();
    expect(await second.stored()).not.toContain(service.token);
  });

  it('shows the warning in one window that a session in another one brings about', async (test) => {
    await using browser = await openBrowser(test);
    // a picture shows the real defaults, with which the warning takes a minute; of five minutes it takes five seconds
    const posing = process.env.UPDATE_SCREENSHOTS !== undefined;
    await using service = await startDemo(posing ? {} : { DEFAULT_MONTHLY_LIMIT_MINUTES: '5' });
    const live = await GraphiqlWindow.open(browser.context, service.url);
    await live.choose('QuotaUpdated');
    await live.run();
    await live.answer('"reason": "SNAPSHOT"');

    const acting = await GraphiqlWindow.open(browser.context, service.url);
    await sendFor(await createToken(acting), 'TrackStart', acting);
    await live.answer('"reason": "WARNING"');
    await live.page.bringToFront();
    if (posing) await live.page.screenshot({ path: 'docs/graphiql.png', animations: 'disabled' });
  });
});

/** The service as `npm start` runs it in a fresh clone. */
async function startDemo(settings: Record<string, string> = {}) {
  await using parts = new AsyncDisposableStack();
  const dataDir = await createDataDirectory();
  parts.defer(() => rm(dataDir, { recursive: true }));
  const config = loadConfig({ DATA_DIR: dataDir, PORT: '0', ...settings });
  const service = await startService(config, pino({ level: 'silent' }));
  parts.defer(() => service.stop());
  const running = parts.move();
  return { url: service.url, token: service.demo?.userToken, [Symbol.asyncDispose]: () => running.disposeAsync() };
}

/** What goes out of a browser, and what its pages complain about. */
function watch(context: BrowserContext) {
  const origins = new Set<string>();
  const sockets: string[] = [];
  const complaints: string[] = [];
  context.on('request', (request) => origins.add(new URL(request.url()).origin));
  context.on('page', (page) => page.on('websocket', (socket) => sockets.push(socket.url())));
  context.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
  });
  context.on('weberror', (error) => complaints.push(error.error().message));
  return { origins, sockets, complaints };
}

/** Runs CreateToken; returns the session's id, as one copies it from the answer. */
async function createToken(window: GraphiqlWindow): Promise<string> {
  await window.choose('CreateToken');
  await window.run();
  const answer = await window.answer('CreateTokenSuccess');
  const [id] = /[0-9a-f]{8}-[0-9a-f-]{27}/.exec(answer) ?? [];
  if (!id) throw new Error(answer);
  return id;
}

async function sendFor(avatarSessionId: string, tab: string, window: GraphiqlWindow): Promise<void> {
  await window.choose(tab);
  await window.replace('PASTE', avatarSessionId);
  await window.run();
  await window.answer(`${tab}Success`);
}

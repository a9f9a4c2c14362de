import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { openBrowser } from '../support/chromium.ts';
import { type ExampleTab, startExampleApp } from '../support/example-app.ts';
import { startSession } from '../support/operations.ts';

const OUTAGE_MS = Number(process.env.CLIENT_OUTAGE_SECONDS ?? 120) * 1000;

/** A session may run for five seconds, and 80 % are used after four. */
const FIVE_SECONDS = { PRICE_PER_MINUTE: '60', DEFAULT_MONTHLY_LIMIT_COST: '5', MIN_SESSION_SECONDS: '1' };

type App = Awaited<ReturnType<typeof startExampleApp>>;

interface Outage {
  begin(app: App): Promise<void>;
  end(app: App): Promise<void>;
}

const OUTAGES: Record<string, Outage> = {
  'after the service refused connections for two minutes': {
    begin: ({ network }) => network.refuse(),
    end: ({ network }) => network.open(),
  },
  'after the network dropped everything for two minutes': {
    begin: async ({ network }) => network.silence(),
    end: async ({ network }) => network.openAnew(),
  },
  'after the app’s backend issued no tokens for two minutes': {
    async begin({ network, backend }) {
      backend.isAway = true;
      await network.refuse();
      await network.open();
    },
    async end({ backend }) {
      backend.isAway = false;
    },
  },
};

describe.concurrent('the example clients show the next warning live', { timeout: OUTAGE_MS + 120_000 }, () => {
  it.for(Object.entries(OUTAGES))('%s', async ([, outage], context) => {
    await using browser = await openBrowser(context);
    await using app = await startExampleApp(FIVE_SECONDS);
    const tabs = await Promise.all(['apollo', 'urql'].map((client) => app.open(browser.context, client)));
    await snapshots(tabs, 1);

    await outage.begin(app);
    await sleep(OUTAGE_MS);
    await outage.end(app);
    await snapshots(tabs, 2);

    await startSession(app.service, await app.service.token('ann'));
    await Promise.all(tabs.map((tab) => tab.see(/^You have used 4\.\d\d of 5\.00 USD this month\.$/)));
    for (const { errors, pushed } of tabs) {
      expect(errors).toEqual([]);
      expect(pushed.messages).toContain('WARNING');
    }
  });
});

/** Resolves when each tab was pushed its state so many times: at first, and after each reconnection. */
async function snapshots(tabs: readonly ExampleTab[], count: number): Promise<void> {
  const isLive = ({ pushed }: ExampleTab) => pushed.messages.filter((reason) => reason === 'SNAPSHOT').length >= count;
  await Promise.all(tabs.map((tab) => tab.pushed.find(() => isLive(tab))));
}

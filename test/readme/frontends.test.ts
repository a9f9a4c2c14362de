import { expect, it } from 'vitest';
import { openBrowser } from '../support/chromium.ts';
import { startExampleApp } from '../support/example-app.ts';

/** A session may run for five seconds, and 80 % are used after four. */
const FIVE_SECONDS = { PRICE_PER_MINUTE: '60', DEFAULT_MONTHLY_LIMIT_COST: '5', MIN_SESSION_SECONDS: '1' };

it.for(['apollo', 'urql', 'rest', 'liveavatar'])(
  'the example with %s shows a warning and a refusal in a page of another origin',
  { timeout: 120_000 },
  async (client, context) => {
    await using browser = await openBrowser(context);
    await using app = await startExampleApp(FIVE_SECONDS);
    const tab = await app.open(browser.context, client);
    await tab.press('Start');
    await tab.see('Anna is listening.');
    await tab.see(/^You have used 4\.\d\d of 5\.00 USD this month\.$/);
    await tab.press('End');
    await tab.see('The conversation has ended.');
    await tab.press('Start');
    await tab.see(/ Your quota resets on /);
    await tab.see('Picture');
    expect([tab.errors, tab.complaints]).toEqual([[], []]);
  },
);

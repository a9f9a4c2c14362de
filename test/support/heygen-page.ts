import { createRequire } from 'node:module';
import type { BrowserContext, Page } from 'playwright-core';
import { rolldown } from 'rolldown';
import { serveFiles } from './file-server.ts';
import { playRooms } from './media-room.ts';

const SDK = createRequire(import.meta.url)
  .resolve('@heygen/streaming-avatar')
  .replace(/index\.cjs\.js$/, 'index.esm.js');

const PAGE = `<!doctype html>
<script type="module">
  import StreamingAvatar, * as sdk from '/sdk.js';
  Object.assign(window, sdk, { StreamingAvatar });
</script>`;

/** A server for a page that has loaded HeyGen's SDK as it comes from npm, bundled with what it depends on. */
export async function serveHeyGenPage() {
  const bundle = await rolldown({ input: SDK, platform: 'browser', logLevel: 'silent' });
  const { output } = await bundle.generate({ format: 'esm' });
  await bundle.close();
  return serveFiles(
    new Map([
      ['/', { type: 'text/html', content: PAGE }],
      ['/sdk.js', { type: 'text/javascript', content: output[0].code }],
    ]),
  );
}

/**
 * A tab with one avatar of the SDK in it.
 *
 * What is no call of HTTP is played by the test, at the browser's network: the room of the media, which the SDK insists on
 * joining, and the chat socket, which it opens at `wss://` and the host of the base path, whatever its port.
 */
export class HeyGenTab {
  readonly page: Page;
  /** What the page did not catch. */
  readonly errors: string[] = [];

  private constructor(page: Page) {
    this.page = page;
    page.on('pageerror', (error) => this.errors.push(error.message));
  }

  static async open(context: BrowserContext, origin: string, basePath: string, token: string): Promise<HeyGenTab> {
    const tab = new HeyGenTab(await context.newPage());
    await playRooms(tab.page, /^wss:\/\/media\.simulator\.invalid\//);
    await tab.page.routeWebSocket(/\/v1\/ws\/streaming\.chat\?/, () => {});
    await tab.page.goto(origin);
    await tab.page.waitForFunction('window.StreamingAvatar');
    await tab.page.evaluate(`window.avatar = new StreamingAvatar(${JSON.stringify({ token, basePath })})`);
    return tab;
  }

  /** The vendor's answer to the opening, or how the SDK failed. */
  start(request: object = {}): Promise<{ session_id: string } | { failed: string; status?: number; text?: string }> {
    return this.#call(`avatar.createStartAvatar(${JSON.stringify({ avatarName: 'Ann', ...request })})`);
  }

  /** Speaks by HTTP, as the SDK does for all but asynchronous talk. */
  speak(text: string): Promise<unknown> {
    return this.#call(`avatar.speak(${JSON.stringify({ text, taskType: 'repeat', taskMode: 'sync' })})`);
  }

  keepAlive(): Promise<unknown> {
    return this.#call('avatar.keepAlive()');
  }

  stop(): Promise<unknown> {
    return this.#call('avatar.stopAvatar()');
  }

  #call<Answer>(script: string): Promise<Answer> {
    return this.page.evaluate(
      `${script}.catch((error) => ({ failed: error.message, status: error.status, text: error.responseText }))`,
    );
  }
}

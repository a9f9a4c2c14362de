import { once } from 'node:events';
import { createRequire } from 'node:module';
import type { BrowserContext, Page, WebSocketRoute } from 'playwright-core';
import { rolldown } from 'rolldown';
import { WebSocket } from 'ws';
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
 * Two things are done at the browser's network: the room of the media, which the SDK insists on joining, is played; and the
 * chat socket, which it opens at `wss://` and the host of the base path, whatever its port, reaches the service, as it
 * would through a proxy with a certificate.
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
    await tab.page.routeWebSocket(/^wss:.*\/v1\/ws\/streaming\.chat\?/, (route) => passOn(route, basePath, origin));
    await tab.page.goto(origin);
    await tab.page.waitForFunction('window.StreamingAvatar');
    await tab.page.evaluate(`window.avatar = new StreamingAvatar(${JSON.stringify({ token, basePath })})`);
    return tab;
  }

  /** The vendor's answer to the opening, or how the SDK failed. */
  start(request: object = {}): Promise<{ session_id: string } | { failed: string; status?: number; text?: string }> {
    return this.#call(`avatar.createStartAvatar(${JSON.stringify({ avatarName: 'Ann', ...request })})`);
  }

  /** Speaks by a call. */
  repeat(text: string): Promise<unknown> {
    return this.#call(`avatar.speak(${JSON.stringify({ text, taskType: 'repeat', taskMode: 'sync' })})`);
  }

  /** Speaks over the chat socket. */
  talk(text: string): Promise<unknown> {
    return this.#call(`avatar.speak(${JSON.stringify({ text, taskType: 'talk', taskMode: 'async' })})`);
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

async function passOn(route: WebSocketRoute, basePath: string, origin: string): Promise<void> {
  const { pathname, search } = new URL(route.url());
  const socket = new WebSocket(new URL(pathname + search, basePath.replace('http', 'ws')), { origin });
  const opened = once(socket, 'open');
  route.onMessage(async (message) => {
    await opened;
    socket.send(message);
  });
  socket.on('message', (data: Buffer, isBinary) => route.send(isBinary ? data : String(data)));
  socket.on('close', () => route.close());
  await opened;
}

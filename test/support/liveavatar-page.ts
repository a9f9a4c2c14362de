import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { BrowserContext, Page } from 'playwright-core';
import { serveFiles } from './file-server.ts';

const { resolve } = createRequire(import.meta.url);
/** The bundle that the package ships, byte for byte; all it imports is `events`. */
const SDK = new URL('../dist/index.esm.js', `file://${resolve('@heygen/liveavatar-web-sdk')}`);
/** Not Node's own, but the package of that name that the SDK depends on. */
const EVENTS = new URL(`file://${resolve('events/')}`);

const PAGE = `<!doctype html>
<script type="importmap">{ "imports": { "events": "/events.js", "@heygen/liveavatar-web-sdk": "/sdk.js" } }</script>
<script type="module">
  import * as sdk from '@heygen/liveavatar-web-sdk';
  Object.assign(window, sdk);
</script>`;

/** A server for a page that has loaded LiveAvatar's SDK, as it comes from npm. Disposing closes it. */
export async function servePage() {
  return serveFiles(
    new Map([
      ['/', { type: 'text/html', content: PAGE }],
      ['/sdk.js', { type: 'text/javascript', content: await readFile(SDK, 'utf8') }],
      ['/events.js', { type: 'text/javascript', content: asModule(await readFile(EVENTS, 'utf8')) }],
    ]),
  );
}

/** A tab with one session of the SDK in it. */
export class AvatarTab {
  readonly page: Page;
  /** What the page did not catch. */
  readonly errors: string[] = [];

  private constructor(page: Page) {
    this.page = page;
    page.on('pageerror', (error) => this.errors.push(error.message));
  }

  static async open(context: BrowserContext, origin: string, apiUrl: string, token: string): Promise<AvatarTab> {
    const tab = new AvatarTab(await context.newPage());
    await tab.page.goto(origin);
    await tab.page.waitForFunction('window.LiveAvatarSession');
    const argument = JSON.stringify({ token, apiUrl });
    await tab.page.evaluate(`{
      const { token, apiUrl } = ${argument};
      window.session = new LiveAvatarSession(token, { apiUrl });
    }`);
    return tab;
  }

  /** The session's state and greatest length, or how its start failed. */
  start(): Promise<{ state: string; maxSessionDuration: number | null } | { failed: string; errorCode: number }> {
    return this.page.evaluate(`session.start().then(
      () => ({ state: session.state, maxSessionDuration: session.maxSessionDuration }),
      (error) => ({ failed: error.message, errorCode: error.errorCode }),
    )`);
  }

  /** Resolves with the answer's status: the SDK itself waits for none. */
  async keepAlive(): Promise<number> {
    return this.#call('keep-alive', 'session.keepAlive()');
  }

  async stop(): Promise<number> {
    return this.#call('stop', 'session.stop()');
  }

  async #call(path: string, script: string): Promise<number> {
    const answered = this.page.waitForResponse(
      (response) => response.url().endsWith(`/v1/sessions/${path}`) && response.request().method() === 'POST',
    );
    await this.page.evaluate(script);
    return (await answered).status();
  }
}

/** A CommonJS module without dependencies, for the browser. */
function asModule(source: string): string {
  return `const module = { exports: {} };\n(() => {\n${source}\n})();\nexport const { EventEmitter } = module.exports;`;
}

import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { BrowserContext, Page } from 'playwright-core';
import { createApp } from '../../examples/app/serve.ts';
import { Inbox } from './inbox.ts';
import { startTestService } from './service.ts';
import { startTcpProxy } from './tcp-proxy.ts';

/**
 * The example app on an origin of its own, and the service that it uses, which it reaches through a network that can
 * fail. Disposing stops both and checks the books.
 */
export async function startExampleApp(settings: Record<string, string>) {
  await using parts = new AsyncDisposableStack();
  let app: RequestListener = (_request, response) => response.writeHead(503).end();
  const server = createServer((request, response) => app(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  parts.defer(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  const { port } = server.address() as AddressInfo;
  const origin = `http://127.0.0.1:${port}`;
  const service = parts.use(await startTestService({ CORS_ORIGINS: origin, ...settings }));
  const network = parts.use(await startTcpProxy(Number(new URL(service.url).port)));
  const backend = { isAway: false };
  app = await createApp({
    serviceUrl: `http://127.0.0.1:${network.port}`,
    signToken: async () => {
      if (backend.isAway) throw new Error('The backend is away');
      return service.token('ann');
    },
  });
  const running = parts.move();
  return {
    service,
    network,
    /** Signs the user's tokens. */
    backend,
    open: (context: BrowserContext, client: string) => ExampleTab.open(context, `${origin}/?client=${client}`),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** The app in a tab, as its user sees it. What never appears is a timeout. */
export class ExampleTab {
  readonly page: Page;
  /** What the page did not catch. */
  readonly errors: string[] = [];
  /** What the browser wrote to its console about the page. */
  readonly complaints: string[] = [];
  /** The reasons of what was pushed to the page. */
  readonly pushed = new Inbox<string>();

  private constructor(page: Page) {
    this.page = page;
    page.on('pageerror', ({ message }) => this.errors.push(message));
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) this.complaints.push(message.text());
    });
    page.on('websocket', (socket) =>
      socket.on('framereceived', ({ payload }) => {
        const reason = /"reason":"(\w+)"/.exec(String(payload))?.[1];
        if (reason) this.pushed.deliver(reason);
      }),
    );
  }

  static async open(context: BrowserContext, url: string): Promise<ExampleTab> {
    const tab = new ExampleTab(await context.newPage());
    await tab.page.goto(url);
    await tab.see('Press Start to talk.');
    return tab;
  }

  async press(button: 'Start' | 'End'): Promise<void> {
    await this.page.getByRole('button', { name: button }).click();
  }

  async see(text: string | RegExp): Promise<void> {
    await this.page.getByText(text).waitFor();
  }
}

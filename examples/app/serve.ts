import { readFile } from 'node:fs/promises';
import type { RequestListener } from 'node:http';
import { rolldown } from 'rolldown';

interface AppOptions {
  /** Where the page finds the service. */
  readonly serviceUrl: string;
  /** Signs a token for the one user of the app. */
  readonly signToken: () => Promise<string>;
}

const TOKEN_PATH = '/api/avatar-quota-token';

/** The app's own backend: it serves the page, and the user's tokens to the page. */
export async function createApp({ serviceUrl, signToken }: AppOptions): Promise<RequestListener> {
  const files = await bundle(serviceUrl);
  return ({ url = '', method }, response) => {
    const path = new URL(url, 'http://app').pathname;
    const file = files.get(path);
    if (file) response.writeHead(200, { 'content-type': file.type }).end(file.content);
    else if (path === TOKEN_PATH && method === 'POST')
      signToken().then(
        (token) => response.end(token),
        () => response.writeHead(503).end(),
      );
    else response.writeHead(404).end();
  };
}

async function bundle(serviceUrl: string) {
  const build = await rolldown({
    input: new URL('page.ts', import.meta.url).pathname,
    platform: 'browser',
    logLevel: 'silent',
    plugins: [{ name: 'service-url', transform: (code) => code.replace('http://localhost:4000', serviceUrl) }],
    transform: { define: { 'process.env.NODE_ENV': '"production"' } },
  });
  const { output } = await build.generate({ format: 'esm' });
  await build.close();
  const html = await readFile(new URL('index.html', import.meta.url), 'utf8');
  const scripts = output.flatMap((chunk) =>
    chunk.type === 'chunk' ? [[`/${chunk.fileName}`, { type: 'text/javascript', content: chunk.code }] as const] : [],
  );
  return new Map([['/', { type: 'text/html', content: html }], ...scripts]);
}

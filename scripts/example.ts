/** `npm run example`: the app of `examples/app`, with the service of `npm start` and its demo user. */
import { createServer } from 'node:http';
import { createApp } from '../examples/app/serve.ts';

const CLIENTS = ['apollo', 'urql', 'liveavatar', 'rest'];

const servicePort = Number(process.env.PORT ?? 4000);
const serviceUrl = `http://localhost:${servicePort}`;
const appUrl = `http://localhost:${servicePort + 1}`;

/** The demo user's token, which GraphiQL's page carries. */
async function readDemoToken(): Promise<string | undefined> {
  const page = await fetch(`${serviceUrl}/graphql`, { headers: { accept: 'text/html' } }).catch(() => undefined);
  return /Bearer ([\w.-]+)/.exec((await page?.text()) ?? '')?.[1];
}

const token = await readDemoToken();
if (token) {
  const app = await createApp({ serviceUrl, signToken: async () => token });
  createServer(app).listen(servicePort + 1, '127.0.0.1', () => {
    process.stdout.write(CLIENTS.map((client) => `${appUrl}/?client=${client}\n`).join(''));
  });
} else {
  process.stderr.write(`No demo user at ${serviceUrl}. Start the service first, with npm start in another terminal.\n`);
  process.exitCode = 1;
}

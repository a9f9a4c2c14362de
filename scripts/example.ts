/** `npm run example`: the app of `examples/app`, with the service of `npm start` and its demo user. */
import { createServer } from 'node:http';
import { createApp } from '../examples/app/serve.ts';
import { loadConfig } from '../src/config.ts';
import { resolveAuth } from '../src/server/dev-secret.ts';

const config = loadConfig(process.env);
const auth = await resolveAuth(config);
if (auth.kind === 'secret') process.env.AUTH_JWT_SECRET = auth.secret;
const { signToken } = await import('../examples/backend/sign-token.ts');

const app = await createApp({
  serviceUrl: `http://localhost:${config.port}`,
  signToken: () => signToken('demo-user'),
});
const port = config.port + 1;
createServer(app).listen(port, '127.0.0.1', () => {
  process.stdout.write(
    ['apollo', 'urql', 'liveavatar', 'rest'].map((client) => `http://localhost:${port}/?client=${client}\n`).join(''),
  );
});

/** `npm run token`: prints a JWT signed with the configured secret. */
import { duration } from '../src/config/fields.ts';
import { ConfigError, loadSettings } from '../src/config/load-settings.ts';
import { AUTH_KEYS, authOf } from '../src/config.ts';
import { resolveAuth } from '../src/server/dev-secret.ts';
import { issueToken } from '../src/server/issue-token.ts';
import { userId } from './arguments.ts';
import { runCommand } from './command.ts';

const LONGEST_TTL_DAYS = 3650;

await runCommand({
  name: 'token',
  summary: 'Prints a JWT signed with AUTH_JWT_SECRET, or with the secret that the embedded service generated.',
  options: {
    user: { value: 'ID', field: userId, description: "The user's ID, for the sub claim.", required: true },
    admin: { description: 'Adds the administrator role.' },
    ttl: {
      value: 'DURATION',
      field: duration(1, LONGEST_TTL_DAYS),
      description: 'How long the token is valid: a number with s, m, h, or d.',
      default: '1h',
    },
  },
  settings: [
    'AUTH_JWT_SECRET, or else DATA_DIR with the generated secret (.data)',
    'AUTH_ISSUER, AUTH_AUDIENCE, AUTH_ROLE_CLAIM, AUTH_ADMIN_ROLE',
  ],
  example: 'npm run -s token -- --user ann --ttl 7d',
  async run({ user, admin, ttl }) {
    const settings = loadSettings(process.env, [...AUTH_KEYS, 'DATA_DIR']);
    const auth = await resolveAuth({ auth: authOf(settings), dataDir: settings.DATA_DIR });
    if (auth.kind === 'jwks') {
      throw new ConfigError([
        'AUTH_JWKS_URL is set: only the identity provider can sign tokens. Request one there, or set AUTH_JWT_SECRET instead.',
      ]);
    }
    const request = { ...auth, userId: user, admin, ttlSeconds: ttl };
    return { output: await issueToken(request, () => new Date()) };
  },
});

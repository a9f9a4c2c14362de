import { resolve } from 'node:path';
import { z } from 'zod';
import { avatars, type LiveAvatarIds } from './avatars.ts';
import {
  amount,
  baseUrl,
  duration,
  encryptionKeys,
  httpUrl,
  limitMinutes,
  matching,
  oneOf,
  onOrOff,
  origins,
  percentages,
  postgresUrl,
  SECONDS_PER_DAY,
  seconds,
  timeZone,
  wholeNumber,
} from './fields.ts';

/** The vendors, by the names under which records and prices are kept. */
export const VENDORS = ['liveavatar', 'heygen', 'simulator'] as const;

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
const MIN_SECRET_BYTES = 32;

const port = wholeNumber(0, 65_535);
const text = z.string();
const secret = text.refine(
  (value) => Buffer.byteLength(value) >= MIN_SECRET_BYTES,
  `must have ${MIN_SECRET_BYTES} bytes or more`,
);
const apiKey = matching(/^[\x21-\x7e]+$/, 'must be one word');

/**
 * Every setting of the service: its name, what it may be, its default, and its description in the documentation. Defaults
 * are written as an operator would write them. Values marked `secret` are never shown.
 */
export const settings = z.object({
  PORT: port.prefault('4000').describe('The port of HTTP and WebSocket. 0 picks a free one.'),
  HOST: matching(/^[^\s/]+$/, 'must be a host name or an IP address').describe('The address to listen on.'),
  DATABASE_URL: optional(postgresUrl).meta({
    description: 'PostgreSQL 15 or later. Without it, the service runs in embedded mode, on a server of its own.',
    secret: true,
  }),
  DATA_DIR: text
    .transform((path) => resolve(path))
    .prefault('.data')
    .describe('The directory of the embedded server and of the generated secret.'),

  AUTH_JWT_SECRET: secret.default('').meta({
    description: `The HS256 secret, ${MIN_SECRET_BYTES} bytes or more. In embedded mode, one is generated in \`DATA_DIR\`.`,
    secret: true,
  }),
  AUTH_JWKS_URL: httpUrl.default('').describe('The address of remote keys (RS256, ES256, EdDSA), instead of a secret.'),
  AUTH_ISSUER: optional(text).describe('The required `iss` claim.'),
  AUTH_AUDIENCE: optional(text).describe('The required `aud` claim.'),
  AUTH_ROLE_CLAIM: text.prefault('role').describe('The dotted path to the role, such as `realm_access.roles`.'),
  AUTH_ADMIN_ROLE: text.prefault('admin').describe('The role of administrators.'),

  TOKEN_DELIVERY: oneOf(['direct', 'proxy'])
    .prefault('direct')
    .describe(
      "What `createToken` returns: the vendor's token, or a token of this service that it exchanges. See [Token delivery](protocol.md#token-delivery).",
    ),
  TOKEN_ENCRYPTION_KEY: encryptionKeys.default([]).meta({
    description:
      'Encrypts unused tokens and signs those of this service: 32 bytes in base64, or the new and the old key, separated by a comma. Derived from `AUTH_JWT_SECRET` if unset.',
    secret: true,
  }),

  VENDOR: optional(oneOf(VENDORS)).describe('`liveavatar`, `heygen`, or `simulator`. Required with `DATABASE_URL`.'),
  LIVEAVATAR_API_KEY: apiKey.default('').meta({
    description: 'Required with `VENDOR=liveavatar`.',
    secret: true,
  }),
  LIVEAVATAR_AVATARS: avatars
    .default(new Map<string, LiveAvatarIds>())
    .describe('The vendor IDs of each avatar name, as JSON. Required with `VENDOR=liveavatar`.'),
  LIVEAVATAR_BASE_URL: baseUrl.prefault('https://api.liveavatar.com').describe('The address of the API.'),
  LIVEAVATAR_MODE: oneOf(['FULL', 'LITE']).prefault('FULL').describe('The mode of avatars that name none.'),
  HEYGEN_API_KEY: apiKey.default('').meta({
    description: 'Required with `VENDOR=heygen`, the retired API. It accepts any avatar name.',
    secret: true,
  }),
  HEYGEN_BASE_URL: baseUrl.prefault('https://api.heygen.com').describe('The address of the API.'),
  SIMULATOR_API: oneOf(['liveavatar', 'heygen'])
    .prefault('liveavatar')
    .describe('The API that the simulated vendor has, without media: `liveavatar` or `heygen`.'),
  SIMULATOR_PORT: port.prefault('0').describe('The port of the simulated vendor. 0 picks a free one.'),
  SIMULATOR_MAX_CONCURRENCY: optional(wholeNumber(0, 1_000_000)).describe("The simulated vendor's limit of sessions."),
  SIMULATOR_CREDITS: optional(amount).describe("The simulated vendor's credits."),
  SIMULATOR_MAX_SESSION_SECONDS: optional(seconds).describe("The simulated vendor's limit of a session."),

  DEFAULT_MONTHLY_LIMIT_MINUTES: limitMinutes.prefault('60').describe("A new user's limit of minutes per month."),
  DEFAULT_MONTHLY_LIMIT_COST: amount.prefault('50.00').describe("A new user's limit of cost per month."),
  PRICE_PER_MINUTE: optional(amount).describe(
    "The price if no dated one is entered. Without it, the vendor's list price, or else 0.50. See [Prices](#prices).",
  ),
  CURRENCY: matching(/^[A-Z]{3}$/, 'must be an ISO 4217 code such as USD')
    .prefault('USD')
    .describe('The currency of limits, prices, and costs.'),
  WARNING_THRESHOLDS: percentages.prefault('80').describe('Percentages of a limit, such as `50,80,95`.'),
  MAX_SESSION_SECONDS: seconds.prefault('1800').describe('The maximum grant.'),
  MIN_SESSION_SECONDS: seconds.prefault('60').describe('The minimum grant. Below it, a token is refused.'),
  MAX_CONCURRENT_SESSIONS: wholeNumber(1, 1000)
    .prefault('1')
    .describe('The maximum number of open sessions and unused tokens per user.'),
  MAX_TOKENS_PER_MINUTE: wholeNumber(1, 100_000)
    .prefault('30')
    .describe('The maximum number of tokens per user and minute, including those that the vendor refuses.'),
  ACCOUNT_MONTHLY_COST_LIMIT: optional(amount).describe('The maximum cost of all users per month, used and held.'),
  ACCOUNT_MAX_CONCURRENT_SESSIONS: optional(wholeNumber(0, 1_000_000)).describe(
    'The maximum number of open sessions and unused tokens of all users.',
  ),
  TOKEN_TTL_SECONDS: seconds.prefault('300').describe("How long an unused token's hold lasts."),
  HEARTBEAT_SECONDS: wholeNumber(1, 3600)
    .prefault('30')
    .describe('The interval of heartbeats. A session that has sent one ends when three are missed.'),
  BILLING_TIME_ZONE: timeZone.prefault('UTC').describe('The IANA name of the time zone whose months are billed.'),

  RECONCILE_INTERVAL_SECONDS: wholeNumber(0, SECONDS_PER_DAY)
    .prefault('300')
    .describe("The interval of comparisons with the vendor's records. 0 turns them off."),
  RECONCILE_WINDOW: duration(0, 31)
    .prefault('3d')
    .describe('How long the figures of a session are read again, from its token on, such as `36h` or `7d`.'),
  CORS_ORIGINS: origins
    .default([])
    .describe('Exact origins, separated by commas, for HTTP and WebSocket. See [Origins](#origins).'),
  GRAPHIQL: onOrOff.describe('Whether `/graphql` shows GraphiQL to browsers.'),
  METRICS: onOrOff.prefault('off').describe('Whether `/metrics` answers Prometheus, without authentication.'),
  LOG_LEVEL: oneOf(LOG_LEVELS).prefault('info').describe('The level of the logs on standard output.'),
  REDIS_URL: optional(
    text.refine(
      () => false,
      "is not supported by this version yet: leave it unset, events between nodes cross by PostgreSQL's NOTIFY",
    ),
  ).meta({ secret: true }),
});

export type Settings = z.output<typeof settings>;
export type SettingName = keyof Settings;
export type LogLevel = Settings['LOG_LEVEL'];

/** Embedded without `DATABASE_URL`: the service brings its own database and, unless set otherwise, its own vendor. */
export type Mode = 'embedded' | 'production';

/** Defaults that depend on the mode. */
export const MODE_DEFAULTS = {
  embedded: { HOST: '127.0.0.1', VENDOR: 'simulator', GRAPHIQL: 'on' },
  production: { HOST: '0.0.0.0', GRAPHIQL: 'off' },
} as const satisfies Record<Mode, Partial<Record<SettingName, string>>>;

/** A setting that may stay unset. */
function optional<T>(field: z.ZodType<T, string>) {
  return field.nullable().default(null);
}

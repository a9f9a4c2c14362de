import { resolve } from 'node:path';
import { z } from 'zod';
import {
  amount,
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
} from './config/fields.ts';
import { isEmbedded, SettingsReader } from './config/settings-reader.ts';
import { readVendor, type VendorConfig } from './config/vendor.ts';
import { parseMoney } from './domain/money.ts';
import type { QuotaPolicy } from './domain/policy.ts';

/** Everything the environment decides. Seconds and minutes are whole, costs are in millionths of the policy's currency. */
export interface Config {
  /** `embedded`: no DATABASE_URL, so the service brings its own PostgreSQL and, unless set otherwise, its own vendor. */
  readonly mode: 'embedded' | 'production';
  /** 0: any free one. */
  readonly port: number;
  readonly host: string;
  readonly databaseUrl: string | null;
  /** Absolute. */
  readonly dataDir: string;
  readonly auth: AuthConfig;
  readonly vendor: VendorConfig;
  /** The rules of the deployment. */
  readonly policy: QuotaPolicy;
  /** Between two comparisons with the vendor's books; 0 for none. */
  readonly reconcileIntervalSeconds: number;
  readonly corsOrigins: readonly string[];
  readonly graphiql: boolean;
  /** Whether `/metrics` answers. */
  readonly metrics: boolean;
  readonly logLevel: LogLevel;
}

export type AuthConfig = SecretAuth | JwksAuth | GeneratedAuth;

export interface TokenRules {
  readonly issuer: string | null;
  readonly audience: string | null;
  /** A dotted path, such as `realm_access.roles`. */
  readonly roleClaim: string;
  readonly adminRole: string;
}

export interface SecretAuth extends TokenRules {
  readonly kind: 'secret';
  readonly secret: string;
}

export interface JwksAuth extends TokenRules {
  readonly kind: 'jwks';
  readonly jwksUrl: string;
}

/** Embedded mode without settings: the secret lives in the data directory. */
export interface GeneratedAuth extends TokenRules {
  readonly kind: 'generated';
}

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** The settings cannot be used. Its problems are sentences for the operator and never show a secret. */
export class ConfigError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.problems = problems;
  }
}

const MIN_SECRET_BYTES = 32;

const anyText = z.string();
const secretField = z
  .string()
  .refine((secret) => Buffer.byteLength(secret) >= MIN_SECRET_BYTES, `must have ${MIN_SECRET_BYTES} bytes or more`);

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads every setting of the service.
 *
 * @throws ConfigError with every problem at once
 */
export function loadConfig(env: Environment): Config {
  return loadSettings(env, readConfig);
}

/**
 * Reads only the settings that `read` asks for, such as `readPolicy`. Problems of other settings are not reported.
 *
 * @throws ConfigError with every problem at once
 */
export function loadSettings<T>(env: Environment, read: (settings: SettingsReader) => T): T {
  const settings = new SettingsReader(env);
  const values = read(settings);
  if (settings.problems.length > 0) throw new ConfigError(settings.problems);
  return values;
}

function readConfig(settings: SettingsReader): Config {
  const embedded = isEmbedded(settings);
  const config: Config = {
    mode: embedded ? 'embedded' : 'production',
    port: settings.read('PORT', wholeNumber(0, 65_535), 4000),
    host: settings.read(
      'HOST',
      matching(/^[^\s/]+$/, 'must be a host name or an IP address'),
      embedded ? '127.0.0.1' : '0.0.0.0',
    ),
    ...readDatabase(settings),
    auth: readAuth(settings),
    vendor: readVendor(settings),
    policy: readPolicy(settings),
    reconcileIntervalSeconds: settings.read('RECONCILE_INTERVAL_SECONDS', wholeNumber(0, SECONDS_PER_DAY), 300),
    corsOrigins: settings.read('CORS_ORIGINS', origins, []),
    graphiql: settings.read('GRAPHIQL', onOrOff, embedded),
    metrics: settings.read('METRICS', onOrOff, false),
    logLevel: settings.read('LOG_LEVEL', oneOf(LOG_LEVELS), 'info'),
  };
  if (settings.isSet('REDIS_URL')) {
    settings.report(
      'REDIS_URL',
      "REDIS_URL is not supported by this version yet: leave it unset, events between nodes cross by PostgreSQL's NOTIFY.",
    );
  }
  return config;
}

/** The database to use: that of `databaseUrl`, or the embedded one in `dataDir` if it is null. */
export function readDatabase(settings: SettingsReader): Pick<Config, 'databaseUrl' | 'dataDir'> {
  return { databaseUrl: settings.read('DATABASE_URL', postgresUrl, null), dataDir: readDataDir(settings) };
}

export function readDataDir(settings: SettingsReader): string {
  return resolve(settings.read('DATA_DIR', anyText, '.data'));
}

/** How tokens are signed and checked. */
export function readAuth(settings: SettingsReader): AuthConfig {
  const rules: TokenRules = {
    issuer: settings.read('AUTH_ISSUER', anyText, null),
    audience: settings.read('AUTH_AUDIENCE', anyText, null),
    roleClaim: settings.read('AUTH_ROLE_CLAIM', anyText, 'role'),
    adminRole: settings.read('AUTH_ADMIN_ROLE', anyText, 'admin'),
  };
  const secret = settings.read('AUTH_JWT_SECRET', secretField, '');
  const jwksUrl = settings.read('AUTH_JWKS_URL', httpUrl, '');
  const hasSecret = settings.isSet('AUTH_JWT_SECRET');
  const hasJwks = settings.isSet('AUTH_JWKS_URL');
  if (hasSecret && hasJwks) {
    settings.report('AUTH_JWKS_URL', 'AUTH_JWT_SECRET and AUTH_JWKS_URL exclude each other: set only one of them.');
  }
  if (hasSecret) return { kind: 'secret', secret, ...rules };
  if (hasJwks) return { kind: 'jwks', jwksUrl, ...rules };
  if (!isEmbedded(settings)) {
    settings.report(
      'AUTH_JWT_SECRET',
      `AUTH_JWT_SECRET (${MIN_SECRET_BYTES} bytes or more) or AUTH_JWKS_URL must be set with DATABASE_URL.`,
    );
  }
  return { kind: 'generated', ...rules };
}

/** Limits, prices, and the other rules of the deployment. */
export function readPolicy(settings: SettingsReader): QuotaPolicy {
  const policy: QuotaPolicy = {
    defaultLimitMinutes: settings.read('DEFAULT_MONTHLY_LIMIT_MINUTES', limitMinutes, 60),
    defaultLimitCost: settings.read('DEFAULT_MONTHLY_LIMIT_COST', amount, parseMoney('50.00')),
    pricePerMinute: settings.read('PRICE_PER_MINUTE', amount, parseMoney('0.50')),
    priceIsSet: settings.isSet('PRICE_PER_MINUTE'),
    currency: readCurrency(settings),
    thresholds: settings.read('WARNING_THRESHOLDS', percentages, [80]),
    maxSessionSeconds: settings.read('MAX_SESSION_SECONDS', seconds, 1800),
    minSessionSeconds: settings.read('MIN_SESSION_SECONDS', seconds, 60),
    maxConcurrentSessions: settings.read('MAX_CONCURRENT_SESSIONS', wholeNumber(1, 1000), 1),
    maxTokensPerMinute: settings.read('MAX_TOKENS_PER_MINUTE', wholeNumber(1, 100_000), 30),
    accountLimitCost: settings.read('ACCOUNT_MONTHLY_COST_LIMIT', amount, null),
    accountMaxSessions: settings.read('ACCOUNT_MAX_CONCURRENT_SESSIONS', wholeNumber(0, 1_000_000), null),
    tokenTtlSeconds: settings.read('TOKEN_TTL_SECONDS', seconds, 300),
    heartbeatSeconds: settings.read('HEARTBEAT_SECONDS', wholeNumber(1, 3600), 30),
    billingTimeZone: settings.read('BILLING_TIME_ZONE', timeZone, 'UTC'),
  };
  const { minSessionSeconds: min, maxSessionSeconds: max } = policy;
  if (min > max && settings.isGood('MIN_SESSION_SECONDS') && settings.isGood('MAX_SESSION_SECONDS')) {
    settings.report(
      'MIN_SESSION_SECONDS',
      `MIN_SESSION_SECONDS (${min}) must not be greater than MAX_SESSION_SECONDS (${max}).`,
    );
  }
  return policy;
}

export function readCurrency(settings: SettingsReader): string {
  return settings.read('CURRENCY', matching(/^[A-Z]{3}$/, 'must be an ISO 4217 code such as USD'), 'USD');
}

import { type Environment, loadSettings, modeOf, SETTING_NAMES } from './config/load-settings.ts';
import type { LogLevel, Mode, SettingName, Settings } from './config/settings.ts';
import { type VendorConfig, vendorOf } from './config/vendor.ts';
import { parseMoney } from './domain/money.ts';
import type { QuotaPolicy } from './domain/policy.ts';
import type { TokenDelivery } from './domain/proxy-tokens.ts';

/** Everything the environment decides. Seconds and minutes are whole, costs are in millionths of the policy's currency. */
export interface Config {
  readonly mode: Mode;
  /** 0: any free one. */
  readonly port: number;
  readonly host: string;
  readonly databaseUrl: string | null;
  /** Absolute. */
  readonly dataDir: string;
  readonly auth: AuthConfig;
  readonly vendor: VendorConfig;
  readonly tokenDelivery: TokenDelivery;
  /** 32 bytes each, the present one first. Empty: derived from the authentication secret. */
  readonly tokenEncryptionKeys: readonly Uint8Array[];
  /** The rules of the deployment. */
  readonly policy: QuotaPolicy;
  /** Between two comparisons with the vendor's books; 0 for none. */
  readonly reconcileIntervalSeconds: number;
  /** How long the vendor's figures of a session are read again, from its mint on. */
  readonly reconcileWindowSeconds: number;
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

/** The price where neither the settings nor the vendor's list price name one. */
const DEFAULT_PRICE_PER_MINUTE = parseMoney('0.50');

/**
 * Reads every setting of the service.
 *
 * @throws ConfigError with every problem at once
 */
export function loadConfig(env: Environment): Config {
  const settings = loadSettings(env, SETTING_NAMES);
  return {
    mode: modeOf(env),
    port: settings.PORT,
    host: settings.HOST,
    ...databaseOf(settings),
    auth: authOf(settings),
    vendor: vendorOf(settings),
    tokenDelivery: settings.TOKEN_DELIVERY,
    tokenEncryptionKeys: settings.TOKEN_ENCRYPTION_KEY,
    policy: policyOf(settings),
    reconcileIntervalSeconds: settings.RECONCILE_INTERVAL_SECONDS,
    reconcileWindowSeconds: settings.RECONCILE_WINDOW,
    corsOrigins: settings.CORS_ORIGINS,
    graphiql: settings.GRAPHIQL,
    metrics: settings.METRICS,
    logLevel: settings.LOG_LEVEL,
  };
}

/** The settings that {@link databaseOf} needs. */
export const DATABASE_KEYS = ['DATABASE_URL', 'DATA_DIR'] as const satisfies SettingName[];

/** The database to use: that of `databaseUrl`, or the embedded one in `dataDir` if it is null. */
export function databaseOf(
  settings: Pick<Settings, (typeof DATABASE_KEYS)[number]>,
): Pick<Config, 'databaseUrl' | 'dataDir'> {
  return { databaseUrl: settings.DATABASE_URL, dataDir: settings.DATA_DIR };
}

/** The settings that {@link authOf} needs. */
export const AUTH_KEYS = [
  'AUTH_JWT_SECRET',
  'AUTH_JWKS_URL',
  'AUTH_ISSUER',
  'AUTH_AUDIENCE',
  'AUTH_ROLE_CLAIM',
  'AUTH_ADMIN_ROLE',
] as const satisfies SettingName[];

/** How tokens are signed and checked. */
export function authOf(settings: Pick<Settings, (typeof AUTH_KEYS)[number]>): AuthConfig {
  const rules: TokenRules = {
    issuer: settings.AUTH_ISSUER,
    audience: settings.AUTH_AUDIENCE,
    roleClaim: settings.AUTH_ROLE_CLAIM,
    adminRole: settings.AUTH_ADMIN_ROLE,
  };
  if (settings.AUTH_JWT_SECRET !== '') return { kind: 'secret', secret: settings.AUTH_JWT_SECRET, ...rules };
  if (settings.AUTH_JWKS_URL !== '') return { kind: 'jwks', jwksUrl: settings.AUTH_JWKS_URL, ...rules };
  return { kind: 'generated', ...rules };
}

/** The settings that {@link policyOf} needs. */
export const POLICY_KEYS = [
  'DEFAULT_MONTHLY_LIMIT_MINUTES',
  'DEFAULT_MONTHLY_LIMIT_COST',
  'PRICE_PER_MINUTE',
  'CURRENCY',
  'WARNING_THRESHOLDS',
  'MAX_SESSION_SECONDS',
  'MIN_SESSION_SECONDS',
  'MAX_CONCURRENT_SESSIONS',
  'MAX_TOKENS_PER_MINUTE',
  'ACCOUNT_MONTHLY_COST_LIMIT',
  'ACCOUNT_MAX_CONCURRENT_SESSIONS',
  'TOKEN_TTL_SECONDS',
  'HEARTBEAT_SECONDS',
  'BILLING_TIME_ZONE',
] as const satisfies SettingName[];

/** Limits, prices, and the other rules of the deployment. */
export function policyOf(settings: Pick<Settings, (typeof POLICY_KEYS)[number]>): QuotaPolicy {
  return {
    defaultLimitMinutes: settings.DEFAULT_MONTHLY_LIMIT_MINUTES,
    defaultLimitCost: settings.DEFAULT_MONTHLY_LIMIT_COST,
    pricePerMinute: settings.PRICE_PER_MINUTE ?? DEFAULT_PRICE_PER_MINUTE,
    priceIsSet: settings.PRICE_PER_MINUTE !== null,
    currency: settings.CURRENCY,
    thresholds: settings.WARNING_THRESHOLDS,
    maxSessionSeconds: settings.MAX_SESSION_SECONDS,
    minSessionSeconds: settings.MIN_SESSION_SECONDS,
    maxConcurrentSessions: settings.MAX_CONCURRENT_SESSIONS,
    maxTokensPerMinute: settings.MAX_TOKENS_PER_MINUTE,
    accountLimitCost: settings.ACCOUNT_MONTHLY_COST_LIMIT,
    accountMaxSessions: settings.ACCOUNT_MAX_CONCURRENT_SESSIONS,
    tokenTtlSeconds: settings.TOKEN_TTL_SECONDS,
    heartbeatSeconds: settings.HEARTBEAT_SECONDS,
    billingTimeZone: settings.BILLING_TIME_ZONE,
  };
}

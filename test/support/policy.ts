import type { QuotaPolicy } from '../../src/domain/policy.ts';

/** The defaults of the settings. */
export const DEFAULT_POLICY: QuotaPolicy = {
  defaultLimitMinutes: 60,
  defaultLimitCost: 50_000_000n,
  pricePerMinute: 500_000n,
  priceIsSet: false,
  currency: 'USD',
  thresholds: [80],
  maxSessionSeconds: 1800,
  minSessionSeconds: 60,
  maxConcurrentSessions: 1,
  maxTokensPerMinute: 30,
  accountLimitCost: null,
  accountMaxSessions: null,
  tokenTtlSeconds: 300,
  heartbeatSeconds: 30,
  billingTimeZone: 'UTC',
};

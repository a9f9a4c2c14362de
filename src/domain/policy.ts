import type { Micros } from './money.ts';

/** The rules of the deployment, as its settings give them. */
export interface QuotaPolicy {
  readonly defaultLimitMinutes: number;
  readonly defaultLimitCost: Micros;
  /** Where the operator has entered no dated price. */
  readonly pricePerMinute: Micros;
  /** Whether the operator named it: if not, a vendor's list price comes before it. */
  readonly priceIsSet: boolean;
  /** ISO 4217: of limits, prices and costs. */
  readonly currency: string;
  /** Warning thresholds as percentages, ascending. The limit itself, 100, is notified in addition. */
  readonly thresholds: readonly number[];
  /** The largest grant. */
  readonly maxSessionSeconds: number;
  /** Below this a token is refused. */
  readonly minSessionSeconds: number;
  /** Open sessions and unused tokens per user. */
  readonly maxConcurrentSessions: number;
  /** Requests per user that reached the vendor, including those that it refused. */
  readonly maxTokensPerMinute: number;
  /** What all users together may hold and use in a month; null for any amount. */
  readonly accountLimitCost: Micros | null;
  /** Open sessions and unused tokens of all users together; null for any number. */
  readonly accountMaxSessions: number | null;
  /** An unused token's hold is released after this. */
  readonly tokenTtlSeconds: number;
  /** How often a client should send a heartbeat. */
  readonly heartbeatSeconds: number;
  /** IANA name of the zone whose calendar months are the periods. */
  readonly billingTimeZone: string;
}

/** A session that has sent heartbeats ends when this many are missed. */
const MISSED_HEARTBEATS = 3;

/** Seconds after its last heartbeat at which a session ends. */
export function heartbeatLapseSeconds(policy: QuotaPolicy): number {
  return MISSED_HEARTBEATS * policy.heartbeatSeconds;
}

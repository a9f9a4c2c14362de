import { firstVersion } from '../domain/decide/version.ts';
import { formatMoney, parseMoney } from '../domain/money.ts';
import type { StoredQuota, StoredRecord, UserState } from '../domain/state.ts';

// The one place where quotas and records change their shape: columns of the database, with instants as text and amounts as
// decimals, to the state that decisions go by, and back.

/** How each column of a record travels, in the order of the INSERT. */
const RECORD_COLUMNS = {
  id: ['id', 'uuid', 'plain'],
  sessionId: ['session_id', 'text', 'plain'],
  avatarSessionId: ['avatar_session_id', 'text', 'plain'],
  avatarName: ['avatar_name', 'text', 'plain'],
  vendor: ['vendor', 'text', 'plain'],
  vendorMode: ['vendor_mode', 'text', 'plain'],
  currency: ['currency', 'text', 'plain'],
  status: ['status', 'usage_status', 'plain'],
  endReason: ['end_reason', 'end_reason', 'plain'],
  errorMessage: ['error_message', 'text', 'plain'],
  startedAt: ['session_started_at', 'timestamptz', 'instant'],
  endedAt: ['session_ended_at', 'timestamptz', 'instant'],
  durationSeconds: ['duration_seconds', 'integer', 'plain'],
  estimatedCost: ['estimated_cost', 'numeric', 'money'],
  wordsSpoken: ['words_spoken', 'integer', 'plain'],
  messagesCount: ['messages_count', 'integer', 'plain'],
  billingPeriod: ['billing_period', 'text', 'plain'],
  quotaPeriod: ['quota_period', 'text', 'plain'],
  fallbackPrice: ['fallback_price', 'numeric', 'money'],
  priceRevision: ['price_revision', 'bigint', 'plain'],
  billingStepSeconds: ['billing_step_seconds', 'integer', 'plain'],
  minimumSeconds: ['minimum_seconds', 'integer', 'plain'],
  pricePerMinute: ['price_per_minute', 'numeric', 'money'],
  pricedSeconds: ['priced_seconds', 'integer', 'plain'],
  pricedCost: ['priced_cost', 'numeric', 'money'],
  priceUntil: ['price_until', 'timestamptz', 'instant'],
  grantSeconds: ['grant_seconds', 'integer', 'plain'],
  vendorCapSeconds: ['vendor_cap_seconds', 'integer', 'plain'],
  effectiveCapSeconds: ['effective_cap_seconds', 'integer', 'plain'],
  heldSeconds: ['held_seconds', 'integer', 'plain'],
  heldCost: ['held_cost', 'numeric', 'money'],
  settledSeconds: ['settled_seconds', 'integer', 'plain'],
  settledCost: ['settled_cost', 'numeric', 'money'],
  countedFrom: ['counted_from', 'timestamptz', 'instant'],
  tokenHash: ['token_hash', 'bytea', 'hash'],
  sealedToken: ['sealed_token', 'text', 'plain'],
  tokenEndsAt: ['token_ends_at', 'timestamptz', 'instant'],
  unseenSeconds: ['unseen_seconds', 'integer', 'plain'],
  isStopping: ['is_stopping', 'boolean', 'plain'],
  actualSeconds: ['actual_seconds', 'integer', 'plain'],
  actualCost: ['actual_cost', 'numeric', 'money'],
  vendorCredits: ['vendor_credits', 'text', 'plain'],
  vendorEndReason: ['vendor_end_reason', 'text', 'plain'],
  reconciledAt: ['reconciled_at', 'timestamptz', 'instant'],
  expiresAt: ['expires_at', 'timestamptz', 'instant'],
  lastHeartbeatAt: ['last_heartbeat_at', 'timestamptz', 'instant'],
  endingNotice: ['ending_notice', 'integer', 'plain'],
  dueAt: ['due_at', 'timestamptz', 'instant'],
  createdAt: ['created_at', 'timestamptz', 'instant'],
  updatedAt: ['updated_at', 'timestamptz', 'instant'],
} as const satisfies Record<keyof StoredRecord, Column>;

const QUOTA_COLUMNS = {
  period: ['current_month', 'text', 'plain'],
  limitMinutes: ['monthly_limit_minutes', 'integer', 'plain'],
  limitCost: ['monthly_limit_cost', 'numeric', 'money'],
  usedSeconds: ['used_seconds', 'integer', 'plain'],
  usedCost: ['used_cost', 'numeric', 'money'],
  heldSeconds: ['held_seconds', 'integer', 'plain'],
  heldCost: ['held_cost', 'numeric', 'money'],
  sessionCount: ['session_count', 'integer', 'plain'],
  isActive: ['is_active', 'boolean', 'plain'],
  version: ['version', 'integer', 'plain'],
  nextThresholdAt: ['next_threshold_at', 'timestamptz', 'instant'],
  limitsChangedAt: ['limits_changed_at', 'timestamptz', 'instant'],
} as const satisfies Record<keyof Omit<StoredQuota, 'alerts'>, Column>;

type Kind = 'plain' | 'instant' | 'money' | 'hash';
type Column = readonly [name: string, type: string, kind: Kind];
type Columns = Readonly<Record<string, Column>>;
export type Json = Record<string, unknown>;

/** The columns to select as JSON: amounts as text, since a JSON number is a double. */
function selected(columns: Columns, table: string): string {
  return Object.values(columns)
    .map(([name, , kind]) => (kind === 'money' || kind === 'hash' ? `${table}.${name}::text` : `${table}.${name}`))
    .join(', ');
}

/** The columns as a record set of JSON is declared. */
function declared(columns: Columns): string {
  return Object.values(columns)
    .map(([name, type]) => `${name} ${type}`)
    .join(', ');
}

function named(columns: Columns): string {
  return Object.values(columns)
    .map(([name]) => name)
    .join(', ');
}

function assigned(columns: Columns): string {
  return Object.values(columns)
    .map(([name]) => `${name} = excluded.${name}`)
    .join(', ');
}

const { id: _id, createdAt: _createdAt, ...CHANGEABLE } = RECORD_COLUMNS;
const { period: _period, ...CHANGEABLE_OF_QUOTA } = QUOTA_COLUMNS;

/** What statements say of the columns of a record. */
export const RECORD_SQL = {
  selected: (table: string) => selected(RECORD_COLUMNS, table),
  declared: declared(RECORD_COLUMNS),
  named: named(RECORD_COLUMNS),
  assigned: assigned(CHANGEABLE),
};

/** What statements say of the columns of a quota. */
export const QUOTA_SQL = {
  selected: (table: string) => selected(QUOTA_COLUMNS, table),
  declared: declared(QUOTA_COLUMNS),
  named: named(QUOTA_COLUMNS),
  assigned: assigned(CHANGEABLE_OF_QUOTA),
};

function fromJson(columns: Columns, json: Json): Json {
  const state: Json = {};
  for (const key in columns) {
    const [name, , kind] = columns[key] as Column;
    state[key] = read(kind, json[name]);
  }
  return state;
}

function read(kind: Kind, value: unknown): unknown {
  if (value === null || value === undefined) return null;
  switch (kind) {
    case 'instant':
      return Date.parse(value as string);
    case 'money':
      return parseMoney(value as string);
    case 'hash':
      return (value as string).slice('\\x'.length);
    case 'plain':
      return value;
  }
}

function toJson(columns: Columns, state: Json): Json {
  const json: Json = {};
  for (const key in columns) {
    const [name, , kind] = columns[key] as Column;
    const value = state[key];
    json[name] = value === null ? null : written(kind, value);
  }
  return json;
}

function written(kind: Kind, value: unknown): unknown {
  switch (kind) {
    case 'instant':
      return instantText(value as number);
    case 'money':
      return formatMoney(value as bigint);
    case 'hash':
      return `\\x${value}`;
    case 'plain':
      return value;
  }
}

/** An instant as PostgreSQL reads it. */
export function instantText(instant: number): string {
  return new Date(instant).toISOString();
}

export function recordToJson(record: StoredRecord): Json {
  return toJson(RECORD_COLUMNS, record as unknown as Json);
}

export function quotaToJson(quota: StoredQuota): Json {
  return toJson(QUOTA_COLUMNS, quota as unknown as Json);
}

/** A user as the load statement writes it. */
export interface UserJson {
  readonly user_id: string;
  readonly revision: number;
  readonly due_at: string | null;
  readonly quotas: (Json & { alerts: AlertJson[] | null })[] | null;
  readonly records: Json[] | null;
  readonly recent_tokens: string[] | null;
}

interface AlertJson {
  readonly quota_limit: 'minutes' | 'cost';
  readonly threshold_percent: number;
  readonly crossed_at: string;
}

export function toUserState(json: UserJson): UserState {
  return {
    userId: json.user_id,
    revision: json.revision,
    dueAt: json.due_at === null ? null : Date.parse(json.due_at),
    quotas: (json.quotas ?? []).map(toQuota),
    records: (json.records ?? []).map(toStoredRecord),
    recentTokens: (json.recent_tokens ?? []).map((at) => Date.parse(at)),
  };
}

export function toStoredRecord(json: Json): StoredRecord {
  return fromJson(RECORD_COLUMNS, json) as unknown as StoredRecord;
}

/** A quota that an operator entered by hand has no version yet. */
function toQuota({ alerts, ...json }: Json & { alerts: AlertJson[] | null }): StoredQuota {
  const quota = fromJson(QUOTA_COLUMNS, json) as unknown as Omit<StoredQuota, 'alerts'>;
  return {
    ...quota,
    version: Math.max(quota.version, firstVersion(quota.period)),
    alerts: (alerts ?? []).map((alert) => ({
      limit: alert.quota_limit,
      thresholdPercent: alert.threshold_percent,
      crossedAt: new Date(alert.crossed_at),
    })),
  };
}

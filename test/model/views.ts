import type { EndReason, UsageStatus } from '../../src/domain/session.ts';
import {
  hasOldPrice,
  heldOf,
  type Instant,
  isOpen,
  type ModelQuota,
  type ModelRecord,
  type ModelStop,
  type ModelUser,
  openRecords,
  type Rules,
  type Share,
  settledCost,
  settledOf,
  settledSeconds,
} from './model.ts';
import type { PriceLine } from './prices.ts';
import type { Observation } from './service.ts';

// What of a user is compared, in one shape for the model and for the database.

export interface QuotaView {
  readonly limitMinutes: number;
  readonly limitCost: bigint;
  readonly isActive: boolean;
  readonly limitsChanged: boolean;
  readonly settledSeconds: number;
  readonly settledCost: bigint;
  readonly heldSeconds: number;
  readonly heldCost: bigint;
  readonly sessionCount: number;
  readonly openRecords: readonly string[];
}

export interface RecordView {
  readonly sessionId: string;
  readonly streamId: string | null;
  readonly attached: boolean;
  readonly sealedToken: string | null;
  readonly tokenEndsAt: Instant | null;
  readonly unseenSeconds: number;
  readonly isStopping: boolean;
  readonly namedCap: number | null;
  readonly status: UsageStatus;
  readonly endReason: EndReason | null;
  readonly period: string;
  readonly holdingPeriod: string;
  readonly startedAt: Instant | null;
  readonly endedAt: Instant | null;
  /** Null once it has ended. */
  readonly countedFrom: Instant | null;
  /** Null unless it runs, as are rounding and notice. */
  readonly line: PriceLine | null;
  readonly rounding: ModelRecord['rounding'];
  /** Whether it is open and does not follow the present prices yet. */
  readonly hasOldPrice: boolean;
  readonly expiresAt: Instant | null;
  readonly heldSeconds: number;
  readonly heldCost: bigint;
  readonly notice: 60 | 15 | null;
  readonly lastHeartbeatAt: Instant | null;
  readonly wordsSpoken: number;
  readonly messagesCount: number;
  /** Zero as long as it is open, as is the cost. */
  readonly durationSeconds: number;
  readonly cost: bigint;
  /** By month, as the ledger tells it; months without use left out. */
  readonly settled: readonly (Share & { readonly period: string })[];
}

export type StopView = ModelStop;

export interface UserView {
  readonly quotas: ReadonlyMap<string, QuotaView>;
  readonly records: ReadonlyMap<string, RecordView>;
  readonly stops: ReadonlyMap<string, StopView>;
}

/** @param rules with the prices that have been entered by now */
export function viewOfModel(user: ModelUser, rules: Rules): UserView {
  return {
    quotas: new Map([...user.quotas].sort(byKey).map(([period, quota]) => [period, viewOfQuota(user, period, quota)])),
    records: new Map(user.records.map((record) => [record.id, viewOfRecord(record, rules)] as const).sort(byKey)),
    stops: new Map([...user.stops].sort(byKey)),
  };
}

export function viewOfDatabase(userId: string, { quotas, records, stops }: Observation): UserView {
  const own = records.filter((record) => record.userId === userId);
  const ownQuotas = quotas.filter((quota) => quota.userId === userId);
  return {
    quotas: new Map(
      ownQuotas
        .map(
          ({ userId: _userId, period, version: _version, nextThresholdAt: _at, alerts: _alerts, ...view }) =>
            [period, view] as const,
        )
        .sort(byKey),
    ),
    records: new Map(own.map((record) => [record.id, record.view] as const).sort(byKey)),
    stops: new Map([...stops].filter(([id]) => own.some((record) => record.id === id)).sort(byKey)),
  };
}

function viewOfQuota(user: ModelUser, period: string, quota: ModelQuota): QuotaView {
  const settled = settledOf(user, period);
  const held = heldOf(user, period);
  return {
    limitMinutes: quota.limitMinutes,
    limitCost: quota.limitCost,
    isActive: quota.isActive,
    settledSeconds: settled.seconds,
    settledCost: settled.cost,
    heldSeconds: held.seconds,
    heldCost: held.cost,
    sessionCount: user.records.filter((record) => record.startedAt !== null && record.period === period).length,
    openRecords: openRecords(user)
      .filter((record) => record.holdingPeriod === period)
      .map((record) => record.id)
      .sort(),
    limitsChanged: quota.limitsChanged,
  };
}

function viewOfRecord(record: ModelRecord, rules: Rules): RecordView {
  const open = isOpen(record);
  return {
    sessionId: record.sessionId,
    streamId: record.streamId,
    attached: record.attached,
    sealedToken: record.sealedToken,
    tokenEndsAt: record.tokenEndsAt,
    unseenSeconds: record.unseenSeconds,
    isStopping: record.isStopping,
    namedCap: record.namedCap,
    status: record.status,
    endReason: record.endReason,
    period: record.period,
    holdingPeriod: record.holdingPeriod,
    startedAt: record.startedAt,
    endedAt: record.endedAt,
    countedFrom: open ? record.countedFrom : null,
    line: open ? record.line : null,
    rounding: open ? record.rounding : null,
    hasOldPrice: open && hasOldPrice(rules, record),
    expiresAt: record.expiresAt,
    heldSeconds: record.heldSeconds,
    heldCost: record.heldCost,
    notice: record.status === 'active' ? record.notice : null,
    lastHeartbeatAt: record.lastHeartbeatAt,
    wordsSpoken: record.wordsSpoken,
    messagesCount: record.messagesCount,
    durationSeconds: open ? 0 : settledSeconds(record),
    cost: open ? 0n : settledCost(record),
    settled: [...record.settled]
      .filter(([, share]) => share.seconds !== 0 || share.cost !== 0n)
      .map(([period, share]) => ({ period, ...share }))
      .sort((a, b) => (a.period < b.period ? -1 : 1)),
  };
}

function byKey([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1;
}

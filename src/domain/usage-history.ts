import type { BillingPeriod } from './period.ts';
import type { UsageStatus } from './session.ts';

/** The key by which usage records are listed, newest first. */
export interface HistoryKey {
  readonly createdAt: Date;
  readonly id: string;
}

/** Which usage records to list: those that meet every condition given. */
export interface HistoryFilter {
  readonly period?: BillingPeriod | null | undefined;
  readonly statuses?: readonly UsageStatus[] | null | undefined;
  readonly avatarName?: string | null | undefined;
  /** Created at this instant or later. */
  readonly from?: Date | null | undefined;
  /** Created before this instant. */
  readonly to?: Date | null | undefined;
}

/** One page of a user's records. */
export interface HistoryPage {
  readonly userId: string;
  readonly filter: HistoryFilter;
  /** The last entry of the page before; null for the first page. */
  readonly after: HistoryKey | null;
  readonly limit: number;
}

import type { BillingPeriod } from '../domain/period.ts';
import type { AccountState } from '../domain/state.ts';

/** A threshold of the account's ceiling, by its month. */
export interface AccountThresholdKey {
  readonly period: BillingPeriod;
  readonly thresholdPercent: number;
}

/** The keys of the thresholds that have fired. */
export function firedThresholds(account: AccountState | null): ReadonlySet<string> {
  return new Set(keysOf(account).map(keyText));
}

/** The thresholds that have fired since. */
export function newlyFired(account: AccountState | null, before: ReadonlySet<string>): AccountThresholdKey[] {
  return keysOf(account).filter((key) => !before.has(keyText(key)));
}

function keysOf(account: AccountState | null): AccountThresholdKey[] {
  return [...(account?.alerts ?? [])].flatMap(([period, percents]) =>
    [...percents].map((thresholdPercent) => ({ period, thresholdPercent })),
  );
}

function keyText({ period, thresholdPercent }: AccountThresholdKey): string {
  return `${period} ${thresholdPercent}`;
}

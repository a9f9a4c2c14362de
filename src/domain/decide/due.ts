import type { Instant, StoredRecord, UserState } from '../state.ts';
import { isOpen, isOutstanding } from '../state.ts';
import { changeRecord, type Draft, type Rules } from './draft.ts';
import { outstandingDue } from './outstanding.ts';

/** Notices before a session's end, in seconds, the last one first. */
const NOTICES = [15, 60] as const;

/** The last notice that lies behind when so many milliseconds are left. Null if none does. */
export function noticeAt(millisecondsLeft: number): number | null {
  return NOTICES.find((seconds) => millisecondsLeft <= seconds * 1000) ?? null;
}

function nextNoticeAt({ countedFrom, endingNotice, expiresAt }: StoredRecord): Instant {
  const next = NOTICES.findLast((seconds) => seconds < (endingNotice ?? Number.POSITIVE_INFINITY));
  if (countedFrom === null || expiresAt === null || next === undefined) return Number.POSITIVE_INFINITY;
  return expiresAt - next * 1000;
}

/** When the missing heartbeats of a session end it. Infinity for one that has sent none. */
export function lapseAt(record: StoredRecord, rules: Rules, lapsesFrom: Instant): Instant {
  if (record.lastHeartbeatAt === null) return Number.POSITIVE_INFINITY;
  return Math.max(record.lastHeartbeatAt + rules.lapseSeconds * 1000, lapsesFrom);
}

/** When an open record must be looked at next: at its end, its lapse, its next notice, the end of its month or price. */
function recordDue(record: StoredRecord, rules: Rules, lapsesFrom: Instant): Instant {
  return Math.min(
    record.expiresAt ?? Number.POSITIVE_INFINITY,
    rules.endOf(record.quotaPeriod),
    record.priceUntil ?? Number.POSITIVE_INFINITY,
    lapseAt(record, rules, lapsesFrom),
    nextNoticeAt(record),
  );
}

function nextDue(record: StoredRecord, rules: Rules, lapsesFrom: Instant): Instant | null {
  if (isOpen(record)) return recordDue(record, rules, lapsesFrom);
  const dueAt = isOutstanding(record) ? outstandingDue(record) : Number.POSITIVE_INFINITY;
  return Number.isFinite(dueAt) ? dueAt : null;
}

/** Notes for each changed record when it is due next. */
export function scheduleRecords(draft: Draft, records: Iterable<StoredRecord>, lapsesFrom: Instant): void {
  for (const record of records) {
    const dueAt = nextDue(record, draft.rules, lapsesFrom);
    if (dueAt !== record.dueAt) changeRecord(draft, record, { dueAt });
  }
}

/** When anything of a user falls due. Null if nothing ever will. */
export function userDue(user: UserState): Instant | null {
  const due = Math.min(
    ...user.records.map(({ dueAt }) => dueAt ?? Number.POSITIVE_INFINITY),
    ...user.quotas.map(({ nextThresholdAt }) => nextThresholdAt ?? Number.POSITIVE_INFINITY),
    ...user.quotas.map(({ limitsChangedAt }) => (limitsChangedAt === null ? Number.POSITIVE_INFINITY : 0)),
  );
  return Number.isFinite(due) ? due : null;
}

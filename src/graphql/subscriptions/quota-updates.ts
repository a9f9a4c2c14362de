import { Repeater, SlidingBuffer } from '@repeaterjs/repeater';
import { currentPeriod, readQuota } from '../../app/read-quota.ts';
import { UnauthenticatedError } from '../../domain/errors.ts';
import type { QuotaEvent, QuotaEventReason } from '../../domain/events.ts';
import type { QuotaView } from '../../domain/quota-view.ts';
import type { GraphQLContext } from '../context.ts';

/** One message of `quotaUpdated`. */
export interface QuotaUpdate {
  readonly reason: 'snapshot' | QuotaEventReason;
  readonly at: Date;
  readonly quota: QuotaView;
  readonly recordId: string | null;
}

/** A client that does not read keeps the newest of its messages; each of them is the whole state. */
const MAX_UNREAD_MESSAGES = 64;
const RETRY_MS = 1_000;
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * The caller's quota as it stands, then every change of it.
 *
 * Changes are heard before the snapshot is read, and those that it already shows are dropped by their version: nothing
 * is lost in between, nothing told twice. Every message reads the quota anew and carries the version of its change.
 * The stream ends with an UnauthenticatedError when the caller's token expires.
 */
export function quotaUpdates(context: GraphQLContext): Repeater<QuotaUpdate> {
  const { caller, events, clock } = context;
  return new Repeater<QuotaUpdate>(async (push, stop) => {
    let lastVersion = -1;
    let work: Promise<void> = Promise.resolve();
    let retry: NodeJS.Timeout | undefined;
    let isOver = false;

    const tell = async (reason: QuotaUpdate['reason'], event: QuotaEvent | null) => {
      const quota = await readQuota(context, caller.userId);
      const version = event?.version ?? quota.version;
      if (version <= lastVersion) return;
      lastVersion = version;
      void push({
        reason,
        at: event?.at ?? quota.serverTime,
        quota: { ...quota, version },
        recordId: event?.recordId ?? null,
      });
    };
    const tellSnapshot = () => tell('snapshot', null);

    /** One message after the other; what cannot be read now is made up for by a snapshot later. */
    const enqueue = (task: () => Promise<void>) => {
      work = work.then(task).catch(() => {
        clearTimeout(retry);
        if (!isOver) retry = setTimeout(() => enqueue(tellSnapshot), RETRY_MS);
      });
    };

    const unsubscribe = events.subscribe(caller.userId, {
      changed: (event) => {
        if (event.period === currentPeriod(context)) enqueue(() => tell(event.reason, event));
      },
      missed: () => enqueue(tellSnapshot),
    });
    const validFor = caller.expiresAt.getTime() - clock().getTime();
    const expiry = setTimeout(
      () => stop(new UnauthenticatedError('expired', 'The token has expired: subscribe again with a fresh one.')),
      Math.min(Math.max(validFor, 0), LONGEST_TIMER_MS),
    );

    try {
      const snapshot = tellSnapshot();
      work = snapshot.catch(() => {});
      await snapshot;
      await stop;
    } finally {
      isOver = true;
      unsubscribe();
      clearTimeout(expiry);
      clearTimeout(retry);
    }
  }, new SlidingBuffer(MAX_UNREAD_MESSAGES));
}

import { Repeater, SlidingBuffer } from '@repeaterjs/repeater';
import { currentPeriod, readQuota } from '../../app/read-quota.ts';
import { UnauthenticatedError } from '../../domain/errors.ts';
import type { QuotaEvent, QuotaEventReason } from '../../domain/events.ts';
import { type QuotaView, viewQuota } from '../../domain/quota-view.ts';
import type { SavedRecord } from '../../domain/usage-record.ts';
import type { GraphQLContext } from '../context.ts';
import { createAlarm } from './alarm.ts';

/** One message of `quotaUpdated`. */
export interface QuotaUpdate {
  readonly reason: 'snapshot' | QuotaEventReason;
  readonly at: Date;
  readonly quota: QuotaView;
  /** The record that changed. Null for a change that concerns none. */
  readonly record: SavedRecord | null;
}

/** A client that does not read keeps the newest of its messages; each of them is the whole state. */
const MAX_UNREAD_MESSAGES = 64;
const RETRY_MS = 1_000;
/** How soon after a month's end the sweeper has moved what is open then, and notified. */
const TAKEOVER_MS = 2_000;

/**
 * The caller's quota as it stands, then every change of it.
 *
 * The stream listens for changes before it reads the snapshot, and drops those that the snapshot already shows by their
 * version: nothing is lost in between, nothing sent twice. Every message shows the quota at its moment and carries the version of
 * its change. A later snapshot is always sent, and changes are compared with its version from then on: a database that
 * failed over to an earlier state continues at lower versions.
 * A month's end is sent, too: by the sweeper for each session and token that it moves, from here where there is
 * none. While the stream is open, the session that it names is treated as alive. The stream ends with an
 * UnauthenticatedError at `streamsUntil`.
 */
export function quotaUpdates(context: GraphQLContext, avatarSessionId: string | null): Repeater<QuotaUpdate> {
  const { caller, events, presence, clock, streamsUntil } = context;
  return new Repeater<QuotaUpdate>(async (push, stop) => {
    let lastVersion = -1;
    let ended = false;
    let work: Promise<void> = Promise.resolve();
    let retry: NodeJS.Timeout | undefined;

    const read = async (event: QuotaEvent | null) => {
      if (event === null) return { quota: await readQuota(context, caller.userId), record: null };
      const { quota, record } = await context.store.readChange(event);
      return { quota: viewQuota(quota, context.policy, clock()), record };
    };

    const tell = async (reason: QuotaUpdate['reason'], event: QuotaEvent | null) => {
      if (event && event.version <= lastVersion) return;
      const { quota, record } = await read(event);
      if (ended) return;
      monthEnd.set(new Date(quota.resetsAt.getTime() + (quota.state.openRecords.length > 0 ? TAKEOVER_MS : 0)));
      const version = event?.version ?? quota.version;
      if (reason !== 'snapshot' && version <= lastVersion) return;
      lastVersion = version;
      void push({
        reason,
        at: event?.at ?? quota.serverTime,
        quota: { ...quota, version },
        record,
      });
    };
    const tellSnapshot = () => tell('snapshot', null);

    /** One message after the other; what cannot be read now is made up for by a snapshot later. */
    const enqueue = (task: () => Promise<void>) => {
      work = work.then(task).catch(() => {
        clearTimeout(retry);
        if (!ended) retry = setTimeout(() => enqueue(tellSnapshot), RETRY_MS);
      });
    };

    const monthEnd = createAlarm(clock, () => enqueue(() => tell('period_started', null)));
    const expiry = createAlarm(clock, () =>
      stop(new UnauthenticatedError('expired', 'The token has expired. Subscribe again with a new token.')),
    );
    const unsubscribe = events.subscribe(caller.userId, {
      changed: (event) => {
        if (event.period === currentPeriod(context)) enqueue(() => tell(event.reason, event));
      },
      missed: () => enqueue(tellSnapshot),
    });
    const unwatch = avatarSessionId === null ? null : presence.watch(caller.userId, avatarSessionId);
    if (streamsUntil) expiry.set(streamsUntil);

    try {
      const snapshot = tellSnapshot();
      work = snapshot.catch(() => {});
      await snapshot;
      await stop;
    } finally {
      ended = true;
      unsubscribe();
      unwatch?.();
      clearTimeout(retry);
      monthEnd.clear();
      expiry.clear();
    }
  }, new SlidingBuffer(MAX_UNREAD_MESSAGES));
}

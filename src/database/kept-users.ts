import type { Decision } from '../domain/decide/decide.ts';
import { isOpen, isOutstanding, type UserState } from '../domain/state.ts';

/** The most users that are kept. A user without open records takes about a kilobyte. */
const MAX_USERS = 10_000;

interface Kept {
  readonly user: UserState;
  readonly priceRevision: number;
}

/** The users whom this node has saved last, as they were saved, and by which prices. */
export interface KeptUsers {
  put(user: UserState, priceRevision: number): void;
  /** Takes a user out, for a decision that will put it back. */
  take(userId: string): Kept | undefined;
  peek(userId: string): Kept | undefined;
}

/**
 * Keeps users after a save, so that their next call need not load them. Safe, since nothing is saved for a user who has changed
 * in the meantime: what was decided on a state that is too old is decided again on one that is loaded. Not safe across a
 * failover that lost commits, after which revisions repeat.
 */
export function createKeptUsers(maxUsers = MAX_USERS): KeptUsers {
  const users = new Map<string, Kept>();
  return {
    put(user, priceRevision) {
      users.set(user.userId, { user, priceRevision });
      // A map iterates in the order of insertion: the first is the one that was kept longest.
      for (const oldest of users.keys()) {
        if (users.size <= maxUsers) break;
        users.delete(oldest);
      }
    },
    take(userId) {
      const kept = users.get(userId);
      users.delete(userId);
      return kept;
    },
    peek: (userId) => users.get(userId),
  };
}

/** What a user is once a decision was saved. Records that nothing can change any more are loaded when a call names one. */
export function afterSave({ after, revision, dueAt }: Decision): UserState {
  return {
    ...after,
    revision: revision + 1,
    dueAt,
    records: after.records.filter((record) => isOpen(record) || isOutstanding(record)),
  };
}

import type { Presence } from '../domain/presence.ts';

interface PresenceOptions {
  /** Notes a heartbeat of a user's session. */
  readonly beat: (userId: string, avatarSessionId: string) => Promise<unknown>;
  readonly intervalSeconds: number;
  readonly onError: (error: unknown) => void;
}

interface Watch {
  readonly userId: string;
  readonly avatarSessionId: string;
}

export interface PresenceKeeper extends Presence {
  /** Notes no more heartbeats; resolves when those under way are noted. */
  stop(): Promise<void>;
}

/**
 * Turns open subscriptions into heartbeats: one timer for all of them, whose heartbeats travel together in one statement.
 */
export function createPresence({ beat, intervalSeconds, onError }: PresenceOptions): PresenceKeeper {
  const watched = new Set<Watch>();
  const underWay = new Set<Promise<unknown>>();

  function note(userId: string, avatarSessionId: string): void {
    const noted: Promise<unknown> = beat(userId, avatarSessionId)
      .catch(onError)
      .finally(() => underWay.delete(noted));
    underWay.add(noted);
  }

  /** Several tabs of one session are one heartbeat. */
  const timer = setInterval(() => {
    const sessions = new Map([...watched].map((watch) => [`${watch.avatarSessionId} ${watch.userId}`, watch]));
    for (const { userId, avatarSessionId } of sessions.values()) note(userId, avatarSessionId);
  }, intervalSeconds * 1000);

  return {
    watch(userId, avatarSessionId) {
      const entry = { userId, avatarSessionId };
      watched.add(entry);
      note(userId, avatarSessionId);
      return () => {
        if (watched.delete(entry)) note(userId, avatarSessionId);
      };
    },
    async stop() {
      clearInterval(timer);
      watched.clear();
      await Promise.all(underWay);
    },
  };
}

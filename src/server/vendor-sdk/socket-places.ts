interface PlaceLimits {
  readonly perUser: number;
  readonly perNode: number;
}

export interface SocketPlaces {
  /** Takes a place for one socket. Returns the function that frees it, or the limit that was reached. */
  take(userId: string): (() => void) | 'user' | 'node';
}

/** Counts the open sockets of each user and of this node. */
export function createSocketPlaces({ perUser, perNode }: PlaceLimits): SocketPlaces {
  const byUser = new Map<string, number>();
  let total = 0;
  return {
    take(userId) {
      const open = byUser.get(userId) ?? 0;
      if (open >= perUser) return 'user';
      if (total >= perNode) return 'node';
      byUser.set(userId, open + 1);
      total += 1;
      return () => {
        const left = (byUser.get(userId) ?? 0) - 1;
        if (left > 0) byUser.set(userId, left);
        else byUser.delete(userId);
        total -= 1;
      };
    },
  };
}

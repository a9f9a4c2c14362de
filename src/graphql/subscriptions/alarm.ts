import type { Clock } from '../../domain/clock.ts';

/** Node's own timers end at 24.8 days, and fire at once beyond. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export interface Alarm {
  /** Rings at this moment, and at no other that was set before. */
  set(at: Date): void;
  clear(): void;
}

/** One timer that is set to a moment. */
export function createAlarm(clock: Clock, ring: () => void): Alarm {
  let timer: NodeJS.Timeout | undefined;
  const alarm: Alarm = {
    set(at) {
      clearTimeout(timer);
      const wait = Math.min(Math.max(at.getTime() - clock().getTime(), 0), LONGEST_TIMER_MS);
      timer = setTimeout(() => (clock() < at ? alarm.set(at) : ring()), wait);
    },
    clear: () => clearTimeout(timer),
  };
  return alarm;
}

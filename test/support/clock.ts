import type { Clock } from '../../src/domain/clock.ts';

export interface TestClock {
  readonly now: Clock;
  /** Moves the clock; backwards with a negative number. */
  advance(seconds: number): void;
  set(instant: string): void;
}

/** A clock that runs, from this instant on when it is read for the first time. */
export function createRunningClock(start: string): Clock {
  let offset: number | undefined;
  return () => {
    offset ??= Date.parse(start) - Date.now();
    return new Date(Date.now() + offset);
  };
}

/** A clock that stands still until it is moved. */
export function createTestClock(start = '2026-11-10T12:00:00.000Z'): TestClock {
  let now = new Date(start);
  return {
    now: () => new Date(now),
    advance: (seconds) => {
      now = new Date(now.getTime() + seconds * 1000);
    },
    set: (instant) => {
      now = new Date(instant);
    },
  };
}

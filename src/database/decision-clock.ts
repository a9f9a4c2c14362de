import type pg from 'pg';
import type { Clock } from '../domain/clock.ts';
import { ServiceUnavailableError } from '../domain/errors.ts';

/** A node whose clock differs by more from the database's makes no decisions. */
const MAX_OFFSET_MS = 2_000;
/** A clock that was set by so much since the last comparison is compared before the next decision. */
const MAX_STEP_MS = 1_000;
/** A difference is believed only if it is found so many times in a row. */
const COMPARISONS = 3;

/** The clock that decisions go by. */
export interface DecisionClock {
  /**
   * The present moment.
   *
   * @throws ClockOffsetError while this node's clock is not to be trusted
   */
  now(): Promise<Date>;
  /** Compares this node's clock with the database's. */
  compare(): Promise<void>;
}

export interface ComparedClock extends DecisionClock {
  /** How many seconds this node's clock is ahead of the database's, as last compared. Negative when it is behind. */
  offsetSeconds(): number | null;
  isTrusted(): boolean;
}

/** This node's clock differs from the database's. The message is for the caller, the message of the cause for the operator. */
export class ClockOffsetError extends ServiceUnavailableError {
  constructor(offsetMs: number) {
    const seconds = (Math.abs(offsetMs) / 1000).toFixed(1);
    const direction = offsetMs > 0 ? 'ahead of' : 'behind';
    super({
      message: 'The service cannot meter sessions reliably right now. Try again in a few seconds.',
      cause: new Error(
        `This machine's clock is ${seconds} seconds ${direction} the database's. Synchronize both machines with NTP.`,
      ),
    });
  }
}

interface ComparedClockOptions {
  readonly pool: Pick<pg.Pool, 'query'>;
  readonly clock: Clock;
  /** Called after each comparison that finds the clock off. */
  readonly onOffset?: (error: ClockOffsetError) => void;
  /** Called after each comparison that finds it right. */
  readonly onAgreement?: () => void;
}

/** A clock that is right by definition, such as that of a test. */
export function uncomparedClock(clock: Clock): DecisionClock {
  return { now: async () => clock(), compare: async () => {} };
}

/**
 * A node's clock, compared with the database's before its first use, whenever {@link DecisionClock.compare} is called, and after
 * it was set. Every node goes by its own clock, so one that is off would end other nodes' sessions, or claim their work for hours.
 */
export function createComparedClock({
  pool,
  clock,
  onOffset = () => {},
  onAgreement = () => {},
}: ComparedClockOptions): ComparedClock {
  let offsetMs: number | null = null;
  let isTrusted = true;
  /** This node's clock minus the monotonic one, which nobody sets. Null before the first comparison. */
  let comparedAt: number | null = null;
  let comparing: Promise<void> | null = null;

  const sinceOrigin = () => clock().getTime() - performance.now();
  const wasSet = () => comparedAt === null || Math.abs(sinceOrigin() - comparedAt) > MAX_STEP_MS;

  /** The least and the most that this node's clock is ahead: the database read its own at some moment of the round trip. */
  async function measure(): Promise<{ least: number; most: number }> {
    const askedAt = performance.now();
    const { rows } = await pool.query<{ at: number }>(DATABASE_TIME);
    const roundTrip = performance.now() - askedAt;
    const most = clock().getTime() - (rows[0]?.at ?? Number.NaN);
    return { least: most - roundTrip, most };
  }

  async function compareOnce(): Promise<void> {
    for (let comparison = 1; comparison <= COMPARISONS; comparison++) {
      const { least, most } = await measure();
      offsetMs = (least + most) / 2;
      comparedAt = sinceOrigin();
      const isRight = least >= -MAX_OFFSET_MS && most <= MAX_OFFSET_MS;
      const isOff = least > MAX_OFFSET_MS || most < -MAX_OFFSET_MS;
      if (isRight) {
        isTrusted = true;
        return onAgreement();
      }
      // An answer that took too long to tell leaves everything as it was.
      if (isOff && comparison === COMPARISONS) {
        isTrusted = false;
        onOffset(new ClockOffsetError(offsetMs));
      }
    }
  }

  function compare(): Promise<void> {
    comparing ??= compareOnce().finally(() => {
      comparing = null;
    });
    return comparing;
  }

  return {
    compare,
    async now() {
      if (wasSet()) await compare();
      if (!isTrusted) throw new ClockOffsetError(offsetMs ?? 0);
      return clock();
    },
    offsetSeconds: () => offsetMs && offsetMs / 1000,
    isTrusted: () => isTrusted,
  };
}

const DATABASE_TIME = 'SELECT extract(epoch FROM clock_timestamp())::float8 * 1000 AS at';

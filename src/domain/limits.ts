import type { Micros } from './money.ts';

/** New limits of one user, from the current month on; null leaves one as it is. */
export interface LimitChange {
  readonly userId: string;
  readonly limitMinutes: number | null;
  readonly limitCost: Micros | null;
  /** Whether tokens are given out at all. */
  readonly isActive: boolean | null;
}

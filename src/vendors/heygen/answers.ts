import { z } from 'zod';
import type { VendorSession } from '../../domain/vendor.ts';
import { INTERACTIVE } from './credits.ts';

export const Minted = z.object({ data: z.object({ token: z.string().min(1) }) });

export const Quota = z.object({ data: z.object({ remaining_quota: z.number() }) });

/** An answer to stop or keep-alive carries nothing that we need. */
export const Anything = z.unknown();

/** The year 9999. */
const LAST_SECOND = 253_402_300_799;

/** Epoch seconds. */
const Moment = z
  .number()
  .min(0)
  .max(LAST_SECOND)
  .transform((seconds) => new Date(Math.floor(seconds) * 1000));

export const ActiveEntry = z.object({ session_id: z.string().min(1), status: z.string(), created_at: Moment });

/** HeyGen's API reference, list-sessions. Its entries are read one by one. */
export const Active = z.object({ data: z.object({ sessions: z.array(z.unknown()) }) });

/** The same where only the IDs matter. */
export const ActiveIds = z.object({ data: z.object({ sessions: z.array(ActiveEntry.pick({ session_id: true })) }) });

export const PastEntry = ActiveEntry.extend({ duration: z.number().nonnegative() });

/** HeyGen's API reference, list-sessions-v2. Its entries are read one by one. */
export const HistoryPage = z.object({ data: z.array(z.unknown()), next_pagination_token: z.string().nullish() });

export type PastEntry = z.infer<typeof PastEntry>;

const COMMON = { creditsConsumed: null, endReason: null, mode: INTERACTIVE, source: null };

/** The list of active sessions says when they began, not how long they run: that is counted here. */
export function activeSession({ session_id, created_at }: z.infer<typeof ActiveEntry>, now: Date): VendorSession {
  return {
    ...COMMON,
    avatarSessionId: session_id,
    active: true,
    createdAt: created_at,
    endedAt: null,
    durationSeconds: Math.max(0, Math.floor((now.getTime() - created_at.getTime()) / 1000)),
  };
}

export function endedSession({ session_id, created_at, duration }: PastEntry): VendorSession {
  return {
    ...COMMON,
    avatarSessionId: session_id,
    active: false,
    createdAt: created_at,
    endedAt: new Date(created_at.getTime() + duration * 1000),
    durationSeconds: duration,
  };
}

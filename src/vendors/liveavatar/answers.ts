import { z } from 'zod';
import type { VendorSession } from '../../domain/vendor.ts';
import { SANDBOX } from './credits.ts';

export const Minted = z.object({ session_id: z.string().min(1), session_token: z.string().min(1) });

/** JSON numbers carry binary noise (0.30000000000000004), so they are taken to the millionth; strings are exact. */
const Decimal = z.union([
  z.string().regex(/^-?\d+(\.\d+)?$/),
  z.number().transform((value) => value.toFixed(6).replace(/\.?0+$/, '')),
]);

export const Credits = z.object({ credits_left: Decimal });

/** A moment without an offset is UTC, as the vendor's servers write it, and not this machine's local time. */
const Moment = z.iso
  .datetime({ offset: true, local: true })
  .transform((text) => new Date(/(Z|[+-]\d\d:?\d\d)$/.test(text) ? text : `${text}Z`));

/** One session, running or over (LiveAvatar API reference, sessions/list-sessions). New end reasons are taken as they are. */
export const Entry = z.object({
  id: z.string().min(1),
  created_at: Moment,
  duration: z.number().nonnegative(),
  credits_consumed: Decimal.nullish(),
  end_at: Moment.nullish(),
  end_reason: z.string().nullish(),
  mode: z.string().nullish(),
  is_sandbox: z.boolean().nullish(),
  source: z.string().nullish(),
});

/** Its entries are read one by one. */
export const Page = z.object({ next: z.string().nullish(), results: z.array(z.unknown()) });

/** An answer to stop or keep-alive carries nothing that we need. */
export const Anything = z.unknown();

export function toVendorSession(entry: z.infer<typeof Entry>, active: boolean): VendorSession {
  return {
    avatarSessionId: entry.id,
    active,
    createdAt: entry.created_at,
    endedAt: entry.end_at ?? null,
    durationSeconds: entry.duration,
    creditsConsumed: entry.credits_consumed ?? null,
    endReason: entry.end_reason ?? null,
    mode: entry.is_sandbox ? SANDBOX : (entry.mode ?? null),
    source: entry.source ?? null,
  };
}

/** Outside the two lists nothing says whether a session runs, except that only one that has ended has an end. */
export function isActive(entry: z.infer<typeof Entry>): boolean {
  return !entry.end_at && !entry.end_reason;
}

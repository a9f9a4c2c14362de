import { z } from 'zod';
import type { ConcurrencyLimit, QuotaExceeded, VendorRefusal } from '../../../app/refusals.ts';
import type { SessionEnded } from '../../../app/track-outcome.ts';
import { component, enumeration, exampleOf, instant, wholeNumber } from '../schemas.ts';
import { quotaLimit, quotaSchema, quotaShape } from './quota.ts';
import { concurrencyLimitCode, quotaExceededCode, vendorErrorCode } from './refusal-codes.ts';
import { usageRecordSchema, usageRecordShape } from './usage-record.ts';

const fallback = enumeration<'static_avatar'>('SessionFallback', 'What to show in place of the streaming avatar.', {
  static_avatar: 'A static image of the avatar.',
}).describe('What to show in place of the streaming avatar.');

const success = z.literal(false).describe('Always false: the request was refused.');
const message = z.string().describe('A sentence to show to the user. It says what to do next.');

export const quotaExceededSchema = component(
  'QuotaExceededError',
  'A refusal because the quota of the user, or the budget that all users share, does not cover another session.',
  {
    success,
    message,
    code: quotaExceededCode,
    limit: quotaLimit.nullable().describe('The limit that was exceeded. Null unless `code` is `QUOTA_EXCEEDED`.'),
    resets_at: instant.describe('The time at which the full quota is available again.'),
    retry_after_seconds: wholeNumber
      .nullable()
      .describe(
        'The number of seconds after which quota that is still held for an earlier session may be available. Null if a retry does not help before `resets_at`.',
      ),
    fallback,
    quota: quotaSchema.describe('The quota at the time of the refusal.'),
  },
  {
    success: false,
    message:
      'Your remaining time for this month does not cover another session: 30 s of 60 min available. Some of it is held for an earlier session and may return in 5 s.',
    code: 'QUOTA_EXCEEDED',
    limit: 'minutes',
    resets_at: '2026-12-01T00:00:00.000Z',
    retry_after_seconds: 5,
    fallback: 'static_avatar',
    quota: {
      ...exampleOf(quotaSchema),
      used_minutes: 59.5,
      remaining_minutes: 0.5,
      used_cost: 29.75,
      remaining_cost: 20.25,
      percent_used: 99.16,
      warning: {
        level: 'approaching_limit',
        limit: 'minutes',
        threshold_percent: 80,
        percent_used: 99.16,
        crossed_at: '2026-11-24T09:41:30.000Z',
        message: 'You have used 59 of 60 minutes this month.',
      },
    },
  },
);

export function quotaExceededShape({
  message,
  code,
  limit,
  retryAfterSeconds,
  quota,
}: QuotaExceeded): z.infer<typeof quotaExceededSchema> {
  return {
    success: false,
    message,
    code,
    limit: code === 'QUOTA_EXCEEDED' ? limit : null,
    resets_at: quota.resetsAt.toISOString(),
    retry_after_seconds: retryAfterSeconds,
    fallback: 'static_avatar',
    quota: quotaShape(quota),
  };
}

export const concurrencyLimitSchema = component(
  'ConcurrencyLimitError',
  'A refusal because of the user’s other sessions or requests.',
  {
    success,
    message,
    code: concurrencyLimitCode,
    max_concurrent_sessions: wholeNumber.describe('The maximum number of open sessions per user.'),
    retry_after_seconds: wholeNumber
      .nullable()
      .describe(
        'The number of seconds after which a session that is being stopped may leave room for another one. Null if the user has to end a session.',
      ),
    open_sessions: z
      .array(usageRecordSchema)
      .describe('The open sessions and unused tokens of the user, oldest first. End one with `trackEnd`.'),
  },
  {
    success: false,
    message: 'Your last session is still being stopped. Retry in 5 s.',
    code: 'CONCURRENCY_LIMIT',
    max_concurrent_sessions: 1,
    retry_after_seconds: 5,
    open_sessions: [
      {
        ...exampleOf(usageRecordSchema),
        status: 'active',
        end_reason: null,
        session_ended_at: null,
        duration_seconds: 95,
        estimated_cost: 0.791667,
        actual_seconds: null,
        actual_cost: null,
        vendor_end_reason: null,
        expires_at: '2026-11-24T10:00:00.000Z',
        updated_at: '2026-11-24T09:30:00.000Z',
      },
    ],
  },
);

export function concurrencyLimitShape(
  { message, code, maxConcurrentSessions, retryAfterSeconds, openRecords }: ConcurrencyLimit,
  at: Date,
): z.infer<typeof concurrencyLimitSchema> {
  return {
    success: false,
    message,
    code,
    max_concurrent_sessions: maxConcurrentSessions,
    retry_after_seconds: retryAfterSeconds,
    open_sessions: openRecords.map((record) => usageRecordShape(record, at)),
  };
}

export const vendorErrorSchema = component(
  'VendorError',
  'A refusal because the vendor did not issue a token. Nothing was charged, and the user’s quota is unchanged.',
  {
    success,
    message,
    code: vendorErrorCode,
    retry_after_seconds: wholeNumber
      .nullable()
      .describe('The number of seconds to wait before a retry. Null if a retry does not help.'),
    fallback,
  },
  {
    success: false,
    message: 'The avatar service is not responding. Use the static avatar, or retry shortly.',
    code: 'VENDOR_UNAVAILABLE',
    retry_after_seconds: 10,
    fallback: 'static_avatar',
  },
);

export function vendorErrorShape({
  message,
  code,
  retryAfterSeconds,
}: VendorRefusal): z.infer<typeof vendorErrorSchema> {
  return { success: false, message, code, retry_after_seconds: retryAfterSeconds, fallback: 'static_avatar' };
}

export const sessionEndedSchema = component(
  'SessionEndedError',
  'A refusal because the session has already ended.',
  {
    success,
    message,
    code: z.literal('SESSION_ENDED').describe('Always `SESSION_ENDED`.'),
    record: usageRecordSchema.describe('The record of the ended session.'),
  },
  {
    success: false,
    message: 'This session has ended. Request a new token.',
    code: 'SESSION_ENDED',
    record: exampleOf(usageRecordSchema),
  },
);

export function sessionEndedShape(
  { message, code, saved }: SessionEnded,
  at: Date,
): z.infer<typeof sessionEndedSchema> {
  return { success: false, message, code, record: usageRecordShape(saved.record, at) };
}

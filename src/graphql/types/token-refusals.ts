import type { ConcurrencyLimit, QuotaExceeded, VendorRefusal } from '../../app/refusals.ts';
import { builder } from '../builder.ts';
import { QuotaRef } from './quota.ts';
import { QuotaLimitEnum } from './quota-warning.ts';
import { openSessions } from './saved-record.ts';
import { SessionFallback } from './session-fallback.ts';
import { UsageRecordType } from './usage-record.ts';
import { UserErrorInterface } from './user-error.ts';

const STATIC_AVATAR_FALLBACK = {
  type: SessionFallback,
  description: 'The replacement to show instead of the avatar.',
  resolve: () => 'STATIC_AVATAR' as const,
};

export const QuotaExceededError = builder.objectRef<QuotaExceeded>('QuotaExceededError').implement({
  description:
    "A refusal because the caller's monthly quota, or a limit that all users share, does not allow another session.",
  interfaces: [UserErrorInterface],
  fields: (t) => ({
    limit: t.expose('limit', {
      type: QuotaLimitEnum,
      nullable: true,
      description: 'The limit that was exceeded. Null unless `code` is `QUOTA_EXCEEDED`.',
    }),
    resetsAt: t.field({
      type: 'DateTime',
      description: "The moment at which the caller's quota resets.",
      resolve: ({ quota }) => quota.resetsAt,
    }),
    retryAfterSeconds: t.exposeInt('retryAfterSeconds', {
      nullable: true,
      description:
        'The number of seconds after which quota that is still held for an earlier session may be available. Null if a retry does not help before `resetsAt`.',
    }),
    fallback: t.field(STATIC_AVATAR_FALLBACK),
    quota: t.expose('quota', { type: QuotaRef, description: "The caller's quota at the time of the refusal." }),
  }),
});

export const ConcurrencyLimitError = builder.objectRef<ConcurrencyLimit>('ConcurrencyLimitError').implement({
  description: "A refusal because the caller's open sessions leave no room for another one.",
  interfaces: [UserErrorInterface],
  fields: (t) => ({
    maxConcurrentSessions: t.exposeInt('maxConcurrentSessions', {
      description: 'The maximum number of open sessions per user.',
    }),
    retryAfterSeconds: t.exposeInt('retryAfterSeconds', {
      nullable: true,
      description:
        'The number of seconds after which a session that is being stopped may leave room for another one. Null if the caller has to end a session.',
    }),
    openSessions: t.field({
      type: [UsageRecordType],
      description: "The caller's open sessions, oldest first. End one with `trackEnd`.",
      resolve: ({ openRecords }, _args, context, info) => openSessions(openRecords, context, info),
    }),
  }),
});

export const VendorErrorType = builder.objectRef<VendorRefusal>('VendorError').implement({
  description:
    "A refusal because the vendor issued no token. Nothing is charged, and the caller's quota is unaffected.",
  interfaces: [UserErrorInterface],
  fields: (t) => ({
    retryAfterSeconds: t.exposeInt('retryAfterSeconds', {
      nullable: true,
      description: 'The number of seconds to wait before a retry. Null if a retry does not help.',
    }),
    fallback: t.field(STATIC_AVATAR_FALLBACK),
  }),
});

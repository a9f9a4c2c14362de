import { readQuota } from '../../app/read-quota.ts';
import type { SessionEnded, SessionNotFound, TrackedSession } from '../../app/track-outcome.ts';
import { builder } from '../builder.ts';
import { ErrorInterface } from './error.ts';
import { QuotaRef } from './quota.ts';

/** The type of a tracking call's success: they differ in name only. */
export function trackSuccess(name: string, description: string) {
  return builder.objectRef<TrackedSession>(name).implement({
    description,
    fields: (t) => ({
      record: t.prismaField({
        type: 'UsageRecord',
        description: 'The session’s record.',
        resolve: (query, { recordId }, _args, { prisma }) =>
          prisma.usageRecord.findUniqueOrThrow({ ...query, where: { id: recordId } }),
      }),
      quota: t.field({
        type: QuotaRef,
        description: 'The caller’s quota after it.',
        resolve: (_session, _args, context) => readQuota(context, context.caller.userId),
      }),
    }),
  });
}

export const SessionNotFoundError = builder.objectRef<SessionNotFound>('SessionNotFoundError').implement({
  description: 'The caller has no such session.',
  interfaces: [ErrorInterface],
});

export const SessionEndedError = builder.objectRef<SessionEnded>('SessionEndedError').implement({
  description: 'The session, or its token, is over.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    record: t.prismaField({
      type: 'UsageRecord',
      description: 'How it ended.',
      resolve: (query, { recordId }, _args, { prisma }) =>
        prisma.usageRecord.findUniqueOrThrow({ ...query, where: { id: recordId } }),
    }),
  }),
});

import { viewSaved } from '../../app/read-quota.ts';
import type { SessionEnded, SessionNotFound, TrackedSession } from '../../app/track-outcome.ts';
import { builder } from '../builder.ts';
import { QuotaRef } from './quota.ts';
import { savedRecord } from './saved-record.ts';
import { UsageRecordType } from './usage-record.ts';
import { UserErrorInterface } from './user-error.ts';

/** The type of a tracking call's success: they differ in name only. */
export function trackSuccess(name: string, description: string) {
  return builder.objectRef<TrackedSession>(name).implement({
    description,
    fields: (t) => ({
      record: t.field({
        type: UsageRecordType,
        description: 'The usage record of the session.',
        resolve: ({ saved }, _args, context, info) => savedRecord(saved.record, context, info),
      }),
      quota: t.field({
        type: QuotaRef,
        description: "The caller's quota after the call.",
        resolve: ({ saved }, _args, context) => viewSaved(context, saved),
      }),
    }),
  });
}

export const SessionNotFoundError = builder.objectRef<SessionNotFound>('SessionNotFoundError').implement({
  description:
    "A refusal because the caller has no session with the given IDs. Another user's session gets the same answer.",
  interfaces: [UserErrorInterface],
});

export const SessionEndedError = builder.objectRef<SessionEnded>('SessionEndedError').implement({
  description: 'A refusal because the session has ended, or its token has expired.',
  interfaces: [UserErrorInterface],
  fields: (t) => ({
    record: t.field({
      type: UsageRecordType,
      description: 'The usage record of the session. `endReason` says why it ended.',
      resolve: ({ saved }, _args, context, info) => savedRecord(saved.record, context, info),
    }),
  }),
});

import { name } from '../../inputs/fields.ts';
import { builder } from '../builder.ts';
import { QuotaRef } from '../types/quota.ts';
import { QuotaWarningType } from '../types/quota-warning.ts';
import { type QuotaUpdate, quotaUpdates } from './quota-updates.ts';

const QuotaUpdateReasonEnum = builder.enumType('QuotaUpdateReason', {
  description: 'Why a message was pushed.',
  values: {
    SNAPSHOT: { value: 'snapshot', description: 'The present state: the first message, and after a gap.' },
    TOKEN_CREATED: { value: 'token_created', description: 'Quota was held for a token.' },
    SESSION_STARTED: { value: 'session_started', description: 'A session runs.' },
    SESSION_ENDED: { value: 'session_ended', description: 'A session or an unused token is over; its hold is free.' },
    WARNING: { value: 'warning', description: 'A threshold was crossed. Told once per month, limit and threshold.' },
    LIMIT_REACHED: { value: 'limit_reached', description: 'The quota is used up.' },
    SESSION_CAPPED: {
      value: 'session_capped',
      description: 'The vendor lets a session run less long than was held for it: it ends earlier.',
    },
    SESSION_ENDING_SOON: { value: 'session_ending_soon', description: 'A running session is about to be cut off.' },
    LIMIT_CHANGED: {
      value: 'limit_changed',
      description: 'The operator changed a limit or a price: deadlines have followed.',
    },
    CORRECTED: { value: 'corrected', description: 'A settled session was corrected to the vendor’s figures.' },
    PERIOD_STARTED: { value: 'period_started', description: 'A new month has begun.' },
  } as const satisfies Record<string, { value: QuotaUpdate['reason']; description: string }>,
});

const QuotaUpdateType = builder.objectRef<QuotaUpdate>('QuotaUpdate').implement({
  description: 'A change of the quota, with the whole state after it.',
  fields: (t) => ({
    reason: t.expose('reason', { type: QuotaUpdateReasonEnum, description: 'What happened.' }),
    at: t.expose('at', { type: 'DateTime', description: 'When it happened.' }),
    quota: t.expose('quota', { type: QuotaRef, description: 'The quota after it.' }),
    warning: t.field({
      type: QuotaWarningType,
      nullable: true,
      description: 'The warning in force. Null below the first threshold.',
      resolve: ({ quota }) => quota.warning,
    }),
    record: t.prismaField({
      type: 'UsageRecord',
      nullable: true,
      description: 'The session or token concerned, if one is.',
      resolve: (query, { recordId }, _args, { prisma }) => {
        // taken in any case: Pothos refuses a resolver that does not look at what is selected
        const selection = { ...query };
        return recordId === null ? null : prisma.usageRecord.findUnique({ ...selection, where: { id: recordId } });
      },
    }),
  }),
});

builder.subscriptionField('quotaUpdated', (t) =>
  t.field({
    type: QuotaUpdateType,
    description:
      'First the present state, then every change of the caller’s quota, warnings among them. After a reconnect the first message is right again.',
    args: {
      avatarSessionId: t.arg.string({
        description:
          'A session of the caller’s that runs in this very client. The open subscription then counts as its heartbeats: a closed tab is noticed without any timer in the browser.',
        validate: name,
      }),
    },
    subscribe: (_root, { avatarSessionId }, context) => quotaUpdates(context, avatarSessionId ?? null),
    resolve: (update) => update,
  }),
);

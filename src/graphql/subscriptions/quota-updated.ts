import { name } from '../../inputs/fields.ts';
import { builder } from '../builder.ts';
import { QuotaRef } from '../types/quota.ts';
import { QuotaWarningType } from '../types/quota-warning.ts';
import { savedRecord } from '../types/saved-record.ts';
import { UsageRecordType } from '../types/usage-record.ts';
import { type QuotaUpdate, quotaUpdates } from './quota-updates.ts';

const QuotaUpdateReasonEnum = builder.enumType('QuotaUpdateReason', {
  description: 'The cause of a quota update.',
  values: {
    SNAPSHOT: {
      value: 'snapshot',
      description: 'The current state: the first message, and the message after an interruption.',
    },
    TOKEN_CREATED: {
      value: 'token_created',
      description: 'Quota was held for a token, or the start of a session failed and its token can be used again.',
    },
    SESSION_STARTED: { value: 'session_started', description: 'A session started.' },
    SESSION_ENDED: {
      value: 'session_ended',
      description:
        'A session or an unused token ended. What the vendor may still bill for it stays held until the vendor confirms the end.',
    },
    HOLD_RELEASED: {
      value: 'hold_released',
      description:
        'The rest of the hold of an ended session or token was released: the vendor confirmed that it cannot bill more, or said nothing for a day.',
    },
    WARNING: {
      value: 'warning',
      description: 'A threshold was crossed. Sent once per month, limit, and threshold.',
    },
    LIMIT_REACHED: { value: 'limit_reached', description: 'A limit was reached. Sent once per month and limit.' },
    SESSION_CAPPED: {
      value: 'session_capped',
      description: 'The vendor allows less time than was held for a session, so the session will end earlier.',
    },
    SESSION_ENDING_SOON: {
      value: 'session_ending_soon',
      description: 'A running session will end at its deadline. Sent 60 and 15 seconds before it.',
    },
    LIMIT_CHANGED: {
      value: 'limit_changed',
      description: 'The operator changed a limit or a price. Deadlines of running sessions were adjusted.',
    },
    CORRECTED: { value: 'corrected', description: 'Settled use was corrected by the records of the vendor.' },
    PERIOD_STARTED: { value: 'period_started', description: 'A new month started.' },
  } as const satisfies Record<string, { value: QuotaUpdate['reason']; description: string }>,
});

const QuotaUpdateType = builder.objectRef<QuotaUpdate>('QuotaUpdate').implement({
  description: 'A change of the quota, with the complete state after it.',
  fields: (t) => ({
    reason: t.expose('reason', { type: QuotaUpdateReasonEnum, description: 'The cause of the update.' }),
    at: t.expose('at', { type: 'DateTime', description: 'The moment of the change.' }),
    quota: t.expose('quota', { type: QuotaRef, description: 'The quota after the change.' }),
    warning: t.field({
      type: QuotaWarningType,
      nullable: true,
      description: 'The warning in force. Null below the first threshold.',
      resolve: ({ quota }) => quota.warning,
    }),
    record: t.field({
      type: UsageRecordType,
      nullable: true,
      description: 'The session or token that changed. Null if the change concerns none, such as a warning.',
      resolve: ({ record }, _args, context, info) => record && savedRecord(record, context, info),
    }),
  }),
});

builder.subscriptionField('quotaUpdated', (t) =>
  t.field({
    type: QuotaUpdateType,
    description:
      "The caller's quota: the current state first, then every change, including warnings. After a reconnect, the first message is the current state again.",
    args: {
      avatarSessionId: t.arg.id({
        description:
          "The vendor's ID of a session that runs in this client. The open subscription then replaces the heartbeats of the session, so that a closed tab ends it.",
        validate: name,
      }),
    },
    subscribe: (_root, { avatarSessionId }, context) => quotaUpdates(context, avatarSessionId ?? null),
    resolve: (update) => update,
  }),
);

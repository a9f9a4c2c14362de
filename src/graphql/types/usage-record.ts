import { type RecordTimes, recordUse } from '../../domain/record-use.ts';
import type { EndReason, UsageStatus } from '../../domain/session.ts';
import { errorForUser } from '../../domain/usage-record.ts';
import { builder } from '../builder.ts';

export const UsageStatusEnum = builder.enumType('UsageStatus', {
  description: 'The state of a usage record.',
  values: {
    RESERVED: {
      value: 'reserved',
      description: 'The token has been issued and its quota is held. The session has not started.',
    },
    ACTIVE: { value: 'active', description: 'The session is running.' },
    COMPLETED: { value: 'completed', description: 'The session has ended and is settled.' },
    ERROR: {
      value: 'error',
      description:
        'The vendor issued no token or did not start the session, or the client ended the session with an error.',
    },
    EXPIRED: { value: 'expired', description: 'The token ended unused. Nothing was charged.' },
  } as const satisfies Record<string, { value: UsageStatus; description: string }>,
});

const EndReasonEnum = builder.enumType('EndReason', {
  description: 'The reason why a usage record has ended.',
  values: {
    USER_ENDED: {
      value: 'user_ended',
      description: "The client called `trackEnd`, or stopped the session with the vendor's SDK.",
    },
    DEADLINE_REACHED: { value: 'deadline_reached', description: 'The session reached its maximum duration.' },
    HEARTBEAT_LOST: { value: 'heartbeat_lost', description: 'The client stopped sending heartbeats.' },
    TOKEN_EXPIRED: { value: 'token_expired', description: 'The token expired before the session started.' },
    SUPERSEDED: { value: 'superseded', description: 'A newer token replaced this one.' },
    ADMIN_ENDED: { value: 'admin_ended', description: 'An administrator ended the session.' },
    VENDOR_ENDED: { value: 'vendor_ended', description: 'The vendor ended the session.' },
    VENDOR_ERROR: {
      value: 'vendor_error',
      description: 'The vendor issued no token, or did not start the session.',
    },
    CLIENT_ERROR: { value: 'client_error', description: 'The client called `trackEnd` with an `errorMessage`.' },
  } as const satisfies Record<string, { value: EndReason; description: string }>,
});

/** The columns that the use of a record is computed from. */
const USE = {
  status: true,
  settledSeconds: true,
  settledCost: true,
  countedFrom: true,
  durationSeconds: true,
  estimatedCost: true,
  heldSeconds: true,
  pricePerMinute: true,
  pricedSeconds: true,
  pricedCost: true,
} as const satisfies Record<keyof RecordTimes, true>;

/** Each field names the columns that it needs, so that a read is one statement of just those. */
export const UsageRecordType = builder.prismaNode('UsageRecord', {
  description: 'A token and, once it has been used, its session.',
  id: { field: 'id', description: 'The opaque ID of the usage record.' },
  nullable: true,
  select: { id: true },
  findUnique: (id, { caller }) => ({ id, userId: caller.userId }),
  fields: (t) => ({
    userId: t.exposeID('userId', { description: 'The ID of the user: the `sub` claim of the JWT.' }),
    sessionId: t.exposeID('sessionId', { description: "Your application's ID of the conversation." }),
    avatarSessionId: t.exposeID('avatarSessionId', {
      nullable: true,
      description: "The vendor's ID of the session. Null until it is known.",
    }),
    avatarName: t.exposeString('avatarName', { description: 'The name of the avatar.' }),
    vendor: t.exposeString('vendor', { description: 'The vendor that streams the avatar, such as `liveavatar`.' }),
    status: t.expose('status', { type: UsageStatusEnum, description: 'The state of the record.' }),
    endReason: t.expose('endReason', {
      type: EndReasonEnum,
      nullable: true,
      description: 'The reason why the record has ended. Null while it is open.',
    }),
    startedAt: t.expose('startedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'The start of the session by the clock of the server. Null if it has not started.',
    }),
    endedAt: t.expose('endedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'The end of the session or of the unused token. Null while it is open.',
    }),
    durationSeconds: t.int({
      description: 'The duration of the session in seconds. Counts up to now while the session is running.',
      select: USE,
      resolve: (record, _args, { clock }) => recordUse(record, clock()).seconds,
    }),
    wordsSpoken: t.exposeInt('wordsSpoken', {
      description: 'The number of words that the avatar has spoken, as reported by the client.',
    }),
    messagesCount: t.exposeInt('messagesCount', {
      description: 'The number of messages exchanged, as reported by the client.',
    }),
    estimatedCost: t.field({
      type: 'Decimal',
      description:
        'The cost at the prices in force during the session, rounded up as the vendor bills. Counts up to now while the session is running.',
      select: USE,
      resolve: (record, _args, { clock }) => recordUse(record, clock()).cost,
    }),
    pricePerMinute: t.expose('pricePerMinute', {
      type: 'Decimal',
      description: 'The price per minute now in force. After the end of the session, the price at its end.',
    }),
    actualSeconds: t.exposeInt('actualSeconds', {
      nullable: true,
      description:
        'The duration in seconds by the records of the vendor. Null until it is known, then the quota counts it instead of `durationSeconds`.',
    }),
    actualCost: t.expose('actualCost', {
      type: 'Decimal',
      nullable: true,
      description:
        'The cost that the vendor bills. Null until it is known, then the quota counts it instead of `estimatedCost`.',
    }),
    vendorEndReason: t.exposeString('vendorEndReason', {
      nullable: true,
      description: "The vendor's own reason for the end of the session, such as `USER_CLOSED`. Null until it is known.",
    }),
    billingPeriod: t.expose('billingPeriod', {
      type: 'BillingPeriod',
      description: 'The month that the record is billed to.',
    }),
    maxDurationSeconds: t.exposeInt('grantSeconds', {
      description: 'The maximum duration of the session in seconds. The session ends by itself after it.',
    }),
    expiresAt: t.expose('expiresAt', {
      type: 'DateTime',
      nullable: true,
      description: 'The moment at which the session, or the unused token, ends by itself. Null once it has ended.',
    }),
    stopPending: t.boolean({
      description: 'Whether the session has ended here and the vendor has not confirmed yet that it has stopped.',
      select: { stop: { select: { confirmedAt: true } } },
      resolve: ({ stop }) => stop !== null && stop.confirmedAt === null,
    }),
    errorMessage: t.string({
      nullable: true,
      description:
        'The error that ended the session, as reported by the client, or a sentence about it. Null without an error.',
      select: { endReason: true, errorMessage: true },
      resolve: errorForUser,
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'The moment at which the token was requested.' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'The moment of the last change.' }),
  }),
});

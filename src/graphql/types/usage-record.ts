import { type Micros, parseMoney } from '../../domain/money.ts';
import { recordUse } from '../../domain/record-use.ts';
import type { EndReason, UsageStatus } from '../../domain/session.ts';
import { errorForUser } from '../../domain/usage-record.ts';
import { builder, type UsageRecordRow } from '../builder.ts';

export const UsageStatusEnum = builder.enumType('UsageStatus', {
  description: 'Where a usage record stands.',
  values: {
    RESERVED: {
      value: 'reserved',
      description: 'The token is given out, its quota held; the session has not started.',
    },
    ACTIVE: { value: 'active', description: 'The session runs.' },
    COMPLETED: { value: 'completed', description: 'The session is over and settled.' },
    ERROR: {
      value: 'error',
      description: 'The vendor gave no token or did not start the session, or the client ended it with an error.',
    },
    EXPIRED: { value: 'expired', description: 'The token was never used; nothing was charged.' },
  } as const satisfies Record<string, { value: UsageStatus; description: string }>,
});

const EndReasonEnum = builder.enumType('EndReason', {
  description: 'Why a usage record is over.',
  values: {
    USER_ENDED: { value: 'user_ended', description: 'trackEnd was called, or the vendor’s SDK stopped it.' },
    DEADLINE_REACHED: { value: 'deadline_reached', description: 'The session had run as long as its grant.' },
    HEARTBEAT_LOST: { value: 'heartbeat_lost', description: 'The client stopped sending heartbeats.' },
    TOKEN_EXPIRED: { value: 'token_expired', description: 'The token was not used in time.' },
    SUPERSEDED: { value: 'superseded', description: 'A newer token took its place.' },
    ADMIN_ENDED: { value: 'admin_ended', description: 'An administrator ended it.' },
    VENDOR_ENDED: { value: 'vendor_ended', description: 'The vendor ended the session.' },
    VENDOR_ERROR: { value: 'vendor_error', description: 'The vendor gave no token, or did not start the session.' },
    CLIENT_ERROR: { value: 'client_error', description: 'trackEnd was called with an error message.' },
  } as const satisfies Record<string, { value: EndReason; description: string }>,
});

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const NO_RECORD = '00000000-0000-0000-0000-000000000000';

export const UsageRecordType = builder.prismaNode('UsageRecord', {
  description: 'One token and the session it may have become.',
  id: { field: 'id', description: 'The record’s id within this API.' },
  nullable: true,
  findUnique: (id, { caller }) => ({ id: UUID.test(id) ? id : NO_RECORD, userId: caller.userId }),
  fields: (t) => ({
    userId: t.exposeID('userId', { description: 'Whose record it is.' }),
    sessionId: t.exposeID('sessionId', { description: 'The app’s own id of the conversation.' }),
    avatarSessionId: t.exposeString('avatarSessionId', {
      nullable: true,
      description: 'The vendor’s session id: null until it is known.',
    }),
    avatarName: t.exposeString('avatarName', { description: 'The avatar asked for.' }),
    vendor: t.exposeString('vendor', { description: 'Who streams the avatar.' }),
    status: t.expose('status', { type: UsageStatusEnum, description: 'Where the record stands.' }),
    endReason: t.expose('endReason', {
      type: EndReasonEnum,
      nullable: true,
      description: 'Why it is over: null while it is open.',
    }),
    startedAt: t.expose('startedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When the session started, by the server’s clock.',
    }),
    endedAt: t.expose('endedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When the session, or the unused token, ended.',
    }),
    durationSeconds: t.int({
      description: 'Seconds of the session by the server’s clock; up to now while it runs.',
      resolve: (record, _args, { clock }) => useOf(record, clock()).seconds,
    }),
    wordsSpoken: t.exposeInt('wordsSpoken', { description: 'Words the avatar has spoken, as the client reported.' }),
    messagesCount: t.exposeInt('messagesCount', { description: 'Messages exchanged, as the client reported.' }),
    estimatedCost: t.field({
      type: 'Decimal',
      description:
        'Seconds × the price in force in each, rounded up as the vendor bills; up to now while the session runs.',
      resolve: (record, _args, { clock }) => useOf(record, clock()).cost,
    }),
    pricePerMinute: t.field({
      type: 'Decimal',
      description: 'The price in force: now while the session runs, at its end once it is over.',
      resolve: (record) => toMoney(record.pricePerMinute),
    }),
    actualSeconds: t.exposeInt('actualSeconds', {
      nullable: true,
      description:
        'Seconds by the vendor’s own account; null until they are known. From then on the quota counts these in place of durationSeconds.',
    }),
    actualCost: t.field({
      type: 'Decimal',
      nullable: true,
      description:
        'What the vendor bills for the session; null until it is known. From then on the quota counts this in place of estimatedCost.',
      resolve: ({ actualCost }) => actualCost && toMoney(actualCost),
    }),
    vendorEndReason: t.exposeString('vendorEndReason', {
      nullable: true,
      description: 'Why the session ended, in the vendor’s words, such as `USER_CLOSED`; null until it is known.',
    }),
    billingPeriod: t.expose('billingPeriod', { type: 'BillingPeriod', description: 'The month the record counts to.' }),
    maxDurationSeconds: t.exposeInt('grantSeconds', {
      description: 'The grant: the session ends by itself when it has run this long.',
    }),
    expiresAt: t.expose('expiresAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When the session, or the token while it is not started, ends by itself. Null once it is over.',
    }),
    stopPending: t.boolean({
      description: 'The session is over for us, but the vendor has not confirmed yet that it has stopped it.',
      select: { stop: { select: { confirmedAt: true } } },
      resolve: ({ stop }) => stop !== null && stop.confirmedAt === null,
    }),
    errorMessage: t.string({
      nullable: true,
      description: 'What went wrong, if anything did: as the client reported it, or a sentence.',
      resolve: errorForUser,
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When the token was asked for.' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When the record changed last.' }),
  }),
});

function useOf(record: UsageRecordRow, at: Date) {
  return recordUse(
    {
      ...record,
      estimatedCost: toMoney(record.estimatedCost),
      settledCost: toMoney(record.settledCost),
      pricePerMinute: toMoney(record.pricePerMinute),
      pricedCost: toMoney(record.pricedCost),
    },
    at,
  );
}

function toMoney(decimal: { toFixed(): string }): Micros {
  return parseMoney(decimal.toFixed());
}

import { type CreatedToken, createToken } from '../../app/create-token.ts';
import { readQuota } from '../../app/read-quota.ts';
import type { ConcurrencyLimit, QuotaExceeded, VendorRefusal } from '../../app/refusals.ts';
import { name } from '../../inputs/fields.ts';
import { builder } from '../builder.ts';
import { ErrorInterface, SessionFallback } from './error.ts';
import { QuotaRef } from './quota.ts';
import { QuotaLimitEnum } from './quota-warning.ts';

const CreateTokenInput = builder.inputType('CreateTokenInput', {
  description: 'For which conversation and avatar a token is wanted.',
  fields: (t) => ({
    sessionId: t.id({
      required: true,
      description: 'The app’s own id of the conversation. A new token for it takes the place of its earlier one.',
      validate: name,
    }),
    avatarName: t.string({ description: 'The avatar; the deployment’s first unless given.', validate: name }),
  }),
});

const CreateTokenSuccess = builder.objectRef<CreatedToken>('CreateTokenSuccess').implement({
  description: 'A token, its quota already held.',
  fields: (t) => ({
    token: t.exposeString('token', {
      description: 'The vendor’s token, for the vendor’s SDK. Shown once, never stored in the clear.',
    }),
    record: t.prismaField({
      type: 'UsageRecord',
      description: 'The record that holds the quota.',
      resolve: (query, { recordId }, _args, { prisma }) =>
        prisma.usageRecord.findUniqueOrThrow({ ...query, where: { id: recordId } }),
    }),
    expiresAt: t.expose('expiresAt', {
      type: 'DateTime',
      description: 'The token must be used before this moment.',
    }),
    maxDurationSeconds: t.exposeInt('maxDurationSeconds', {
      description: 'The grant: the session ends by itself when it has run this long.',
    }),
    heartbeatSeconds: t.int({
      description: 'How often to call trackHeartbeat.',
      resolve: (_token, _args, { policy }) => policy.heartbeatSeconds,
    }),
    quota: t.field({
      type: QuotaRef,
      description: 'The quota with this hold in it.',
      resolve: (_token, _args, context) => readQuota(context, context.caller.userId),
    }),
  }),
});

const QuotaExceededError = builder.objectRef<QuotaExceeded>('QuotaExceededError').implement({
  description:
    'The month’s quota does not cover another session or, with the codes ACCOUNT_LIMIT_REACHED and ACCOUNT_CONCURRENCY_LIMIT, what all users share does not.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    limit: t.expose('limit', {
      type: QuotaLimitEnum,
      description: 'With the code QUOTA_EXCEEDED the limit that refuses.',
    }),
    resetsAt: t.field({
      type: 'DateTime',
      description: 'When the user’s quota is fresh again.',
      resolve: ({ quota }) => quota.resetsAt,
    }),
    fallback: t.field({
      type: SessionFallback,
      description: 'What to show instead.',
      resolve: () => 'STATIC_AVATAR' as const,
    }),
    quota: t.expose('quota', { type: QuotaRef, description: 'The quota as it stands.' }),
  }),
});

const ConcurrencyLimitError = builder.objectRef<ConcurrencyLimit>('ConcurrencyLimitError').implement({
  description: 'Running sessions leave no place for another one.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    maxConcurrentSessions: t.exposeInt('maxConcurrentSessions', { description: 'Sessions a user may have open.' }),
    openSessions: t.prismaField({
      type: ['UsageRecord'],
      description: 'Those that are: end one of them with trackEnd.',
      resolve: (query, { openRecordIds }, _args, { prisma }) =>
        prisma.usageRecord.findMany({
          ...query,
          where: { id: { in: [...openRecordIds] } },
          orderBy: [{ createdAt: 'asc' }, { id: 'asc' }],
        }),
    }),
  }),
});

const VendorErrorType = builder.objectRef<VendorRefusal>('VendorError').implement({
  description: 'The vendor gave no token. Nothing was charged; this says nothing about the user’s quota.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    retryAfterSeconds: t.exposeInt('retryAfterSeconds', {
      nullable: true,
      description: 'When to try again; null if that does not help.',
    }),
    fallback: t.field({
      type: SessionFallback,
      description: 'What to show instead.',
      resolve: () => 'STATIC_AVATAR' as const,
    }),
  }),
});

const CreateTokenResult = builder.unionType('CreateTokenResult', {
  description: 'A token, or why there is none.',
  types: [CreateTokenSuccess, QuotaExceededError, ConcurrencyLimitError, VendorErrorType],
  resolveType: ({ type }) =>
    ({
      token: CreateTokenSuccess,
      quota_exceeded: QuotaExceededError,
      concurrency_limit: ConcurrencyLimitError,
      vendor_error: VendorErrorType,
    })[type],
});

builder.mutationField('createToken', (t) =>
  t.field({
    type: CreateTokenResult,
    description:
      'Holds quota and gets a token for a streaming session. The session ends by itself when the hold is used up.',
    args: {
      input: t.arg({ type: CreateTokenInput, required: true, description: 'For what.' }),
    },
    resolve: (_root, { input }, context) =>
      createToken(context, context.caller, { sessionId: input.sessionId, avatarName: input.avatarName ?? null }),
  }),
);

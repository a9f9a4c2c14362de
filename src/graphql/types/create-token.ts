import { type CreatedToken, createToken } from '../../app/create-token.ts';
import { viewSaved } from '../../app/read-quota.ts';
import { name } from '../../inputs/fields.ts';
import { builder } from '../builder.ts';
import { QuotaRef } from './quota.ts';
import { savedRecord } from './saved-record.ts';
import { ConcurrencyLimitError, QuotaExceededError, VendorErrorType } from './token-refusals.ts';
import { UsageRecordType } from './usage-record.ts';
import { refusalTypeName } from './user-error.ts';

const CreateTokenInput = builder.inputType('CreateTokenInput', {
  description: 'The conversation and the avatar to request a token for.',
  fields: (t) => ({
    sessionId: t.id({
      required: true,
      description:
        "Your application's ID of the conversation, 1 to 255 characters. A conversation has at most one open token or session.",
      validate: name,
    }),
    avatarName: t.string({
      description: 'The name of the avatar. The default avatar of the deployment if omitted.',
      validate: name,
    }),
  }),
});

const CreateTokenSuccess = builder.objectRef<CreatedToken>('CreateTokenSuccess').implement({
  description: 'A token, with its quota already held.',
  fields: (t) => ({
    token: t.exposeString('token', {
      description:
        "The session token for the vendor's SDK. Stored encrypted while it is unused, and deleted when it is used or ends.",
    }),
    record: t.field({
      type: UsageRecordType,
      description: 'The usage record that holds the quota. Its `status` is `RESERVED`.',
      resolve: ({ saved }, _args, context, info) => savedRecord(saved.record, context, info),
    }),
    expiresAt: t.expose('expiresAt', {
      type: 'DateTime',
      description: 'The moment at which the token expires if it has not been used.',
    }),
    maxDurationSeconds: t.exposeInt('maxDurationSeconds', {
      description: 'The maximum duration of the session in seconds. The session ends by itself after it.',
    }),
    heartbeatSeconds: t.int({
      description: 'The recommended interval between calls of `trackHeartbeat`, in seconds.',
      resolve: (_token, _args, { policy }) => policy.heartbeatSeconds,
    }),
    quota: t.field({
      type: QuotaRef,
      description: "The caller's quota, with this hold included.",
      resolve: ({ saved }, _args, context) => viewSaved(context, saved),
    }),
  }),
});

const CreateTokenResult = builder.unionType('CreateTokenResult', {
  description: 'A token, or the reason why none was issued.',
  types: [CreateTokenSuccess, QuotaExceededError, ConcurrencyLimitError, VendorErrorType],
  resolveType: (outcome) => (outcome.type === 'token' ? CreateTokenSuccess : refusalTypeName(outcome)),
});

builder.mutationField('createToken', (t) =>
  t.field({
    type: CreateTokenResult,
    description:
      "Holds quota for a session and issues a token for the vendor's SDK. Returns the token and its maximum duration. Idempotent: a repeated call for the same conversation and avatar returns its unused token again, so a retry or a page reload holds no more quota. A running session of the same conversation ends, and the call waits up to three seconds for the vendor to confirm the stop. Refused if the quota, the maximum number of open sessions, or the vendor does not allow another session. Raises a `LIMIT_EXCEEDED` error with `extensions.retryAfterSeconds` for too many tokens within a minute.",
    args: {
      input: t.arg({ type: CreateTokenInput, required: true, description: 'The conversation and the avatar.' }),
    },
    resolve: (_root, { input }, context) =>
      createToken(context, context.caller, { sessionId: input.sessionId, avatarName: input.avatarName ?? null }),
  }),
);

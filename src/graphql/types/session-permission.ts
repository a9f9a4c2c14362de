import { canCreateSession, type SessionPermission } from '../../app/can-create-session.ts';
import { name } from '../../inputs/fields.ts';
import { builder } from '../builder.ts';
import { QuotaRef } from './quota.ts';
import { SessionFallback } from './session-fallback.ts';
import { ErrorCodeEnum, UserErrorInterface } from './user-error.ts';

const SessionPermissionType = builder.objectRef<SessionPermission>('SessionPermission').implement({
  description: 'A prediction of what `createToken` would return at this moment.',
  fields: (t) => ({
    allowed: t.exposeBoolean('allowed', { description: 'Whether `createToken` would issue a token.' }),
    reason: t.expose('reason', {
      type: ErrorCodeEnum,
      nullable: true,
      description: 'The reason why no token would be issued. Null if `allowed` is true.',
    }),
    message: t.exposeString('message', { description: 'A sentence in English for the user.' }),
    refusal: t.expose('refusal', {
      type: UserErrorInterface,
      nullable: true,
      description:
        'The refusal that `createToken` would return, as the same type. Null if `allowed` is true, and null if `reason` is `TOKEN_RATE_LIMITED`, for which `createToken` raises a `LIMIT_EXCEEDED` error.',
    }),
    maxDurationSeconds: t.exposeInt('maxDurationSeconds', {
      description: 'The maximum duration in seconds of a session that would start now. 0 if `allowed` is false.',
    }),
    fallback: t.field({
      type: SessionFallback,
      nullable: true,
      description: 'The replacement to show instead of the avatar. Null if `allowed` is true.',
      resolve: ({ allowed }) => (allowed ? null : 'STATIC_AVATAR'),
    }),
    quota: t.expose('quota', { type: QuotaRef, description: "The caller's quota that the answer is based on." }),
  }),
});

builder.queryField('canCreateSession', (t) =>
  t.field({
    type: SessionPermissionType,
    description:
      'Whether `createToken` would issue a token at this moment, and the refusal it would return if not. Holds nothing.',
    args: {
      sessionId: t.arg.id({
        description:
          'The ID of the conversation. An open session of the same conversation does not count, because a new token would replace it.',
        validate: name,
      }),
      avatarName: t.arg.string({
        description: 'The name of the avatar. The default avatar of the deployment if omitted.',
        validate: name,
      }),
    },
    resolve: (_root, { sessionId, avatarName }, context) =>
      canCreateSession(context, context.caller, sessionId ?? null, avatarName ?? null),
  }),
);

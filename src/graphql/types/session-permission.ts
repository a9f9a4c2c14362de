import { canCreateSession, type SessionPermission } from '../../app/can-create-session.ts';
import { name } from '../../inputs/fields.ts';
import { builder } from '../builder.ts';
import { SessionFallback } from './error.ts';
import { QuotaRef } from './quota.ts';

const SessionPermissionType = builder.objectRef<SessionPermission>('SessionPermission').implement({
  description: 'Whether a session could start now.',
  fields: (t) => ({
    allowed: t.exposeBoolean('allowed', { description: 'Whether createToken would be granted.' }),
    reason: t.exposeString('reason', { nullable: true, description: 'The code it would be refused with.' }),
    message: t.exposeString('message', { description: 'A sentence to show.' }),
    maxDurationSeconds: t.exposeInt('maxDurationSeconds', {
      description: 'How long the session could run; 0 if it is not allowed.',
    }),
    fallback: t.field({
      type: SessionFallback,
      nullable: true,
      description: 'What to show instead; null if it is allowed.',
      resolve: ({ allowed }) => (allowed ? null : 'STATIC_AVATAR'),
    }),
    quota: t.expose('quota', { type: QuotaRef, description: 'The quota that this rests on.' }),
  }),
});

builder.queryField('canCreateSession', (t) =>
  t.field({
    type: SessionPermissionType,
    description: 'Whether createToken would be granted at this moment, and if not, why. Holds nothing.',
    args: {
      sessionId: t.arg.id({
        description: 'The conversation: its own open session would give way to a new one.',
        validate: name,
      }),
      avatarName: t.arg.string({ description: 'The avatar to ask for.', validate: name }),
    },
    resolve: (_root, { sessionId, avatarName }, context) =>
      canCreateSession(context, context.caller, sessionId ?? null, avatarName ?? null),
  }),
);

import { z } from 'zod';
import { canCreateSession } from '../../../app/can-create-session.ts';
import { refusalReason } from '../answers/refusal-codes.ts';
import { defineCall } from '../call.ts';
import { component } from '../schemas.ts';

const sessionPermission = component(
  'SessionPermission',
  'Whether the user can start a session now.',
  {
    allowed: z.boolean().describe('Whether a token would be issued now.'),
    reason: refusalReason.nullable().describe('The reason why a token would be refused. Null if it would be issued.'),
    message: z.string().describe('A sentence to show to the user.'),
  },
  {
    allowed: false,
    reason: 'CONCURRENCY_LIMIT',
    message: 'A session is already running. End it before you start another.',
  },
);

export const canCreateSessionCall = defineCall({
  method: 'GET',
  path: 'usage/can-create-session',
  tag: 'Usage',
  operationId: 'canCreateSession',
  summary: 'Check whether a session can start',
  description:
    'Returns whether `createToken` would issue a token for a new conversation now. Holds no quota, and requests nothing from the vendor.',
  input: z.object({}),
  answers: [sessionPermission],
  errors: [],
  async run(deps, caller) {
    const { allowed, reason, message } = await canCreateSession(deps, caller, null, null);
    return { allowed, reason, message } satisfies z.infer<typeof sessionPermission>;
  },
});

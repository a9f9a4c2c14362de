import { z } from 'zod';
import { trackStart } from '../../../app/track-start.ts';
import { ForbiddenError } from '../../../domain/errors.ts';
import { name } from '../../../inputs/fields.ts';
import { RequestRefusal } from '../answers/errors.ts';
import { sessionEndedSchema, sessionEndedShape } from '../answers/refusals.ts';
import { usageRecordSchema, usageRecordShape } from '../answers/usage-record.ts';
import { defineCall } from '../call.ts';
import { component, exampleOf } from '../schemas.ts';

const request = component(
  'TrackStartRequest',
  'The session that has started.',
  {
    avatar_session_id: name.describe('The vendor’s ID of the session.'),
    user_id: name.nullish().describe('The ID of the user. If given, it must be the user of the JWT.'),
    session_id: name.describe('The `session_id` that the token was requested with.'),
    avatar_name: name.nullish().describe('The name of the avatar.'),
  },
  {
    avatar_session_id: 'd1a4c7b2-6a39-4e1b-8f5d-0f3f6c2b9e77',
    user_id: 'user-1204',
    session_id: 'chat-8831',
    avatar_name: 'anna',
  },
);

const success = component(
  'TrackStartSuccess',
  'A session that is running.',
  {
    success: z.literal(true).describe('Always true: the session is running.'),
    record: usageRecordSchema.describe('The record of the running session.'),
  },
  {
    success: true,
    record: {
      ...exampleOf(usageRecordSchema),
      status: 'active',
      end_reason: null,
      session_ended_at: null,
      duration_seconds: 0,
      words_spoken: 0,
      messages_count: 0,
      estimated_cost: 0,
      actual_seconds: null,
      actual_cost: null,
      vendor_end_reason: null,
      expires_at: '2026-11-24T10:00:00.000Z',
      updated_at: '2026-11-24T09:30:00.000Z',
    },
  },
);

export const trackStartCall = defineCall({
  method: 'POST',
  path: 'tokens/track-start',
  tag: 'Tokens',
  operationId: 'trackStart',
  summary: 'Report the start of a session',
  description: [
    'Starts metering the session by the clock of the server. Call it when the stream starts. Calling it again changes nothing.',
    'A refusal has status 200 with `success: false`.',
  ].join('\n\n'),
  input: request,
  answers: [success, sessionEndedSchema],
  errors: [403, 404],
  async run(deps, caller, { avatar_session_id, user_id, session_id, avatar_name }) {
    if (user_id && user_id !== caller.userId) {
      throw new ForbiddenError('The user_id must be the user of the token. Leave it out.');
    }
    const outcome = await trackStart(deps, caller, {
      sessionId: session_id,
      avatarSessionId: avatar_session_id,
      avatarName: avatar_name ?? null,
    });
    if (outcome.type === 'session_not_found') throw new RequestRefusal(404, outcome.code, outcome.message);
    if (outcome.type === 'session_ended') return sessionEndedShape(outcome, deps.clock());
    return { success: true, record: usageRecordShape(outcome.saved.record, deps.clock()) } satisfies z.infer<
      typeof success
    >;
  },
});

import { trackStart } from '../../app/track-start.ts';
import { name } from '../../inputs/fields.ts';
import { builder } from '../builder.ts';
import { SessionEndedError, SessionNotFoundError, trackSuccess } from './tracked-session.ts';

const TrackStartInput = builder.inputType('TrackStartInput', {
  description:
    'The conversation, and the vendor’s session: where the vendor named it at the mint (record.avatarSessionId), it must be that one.',
  fields: (t) => ({
    sessionId: t.id({ required: true, description: 'The conversation the token is for.', validate: name }),
    avatarSessionId: t.string({ required: true, description: 'The vendor’s session id.', validate: name }),
    avatarName: t.string({
      description: 'The avatar, where it is chosen only at the start. Otherwise the token’s counts.',
      validate: name,
    }),
  }),
});

const TrackStartSuccess = trackSuccess('TrackStartSuccess', 'The session runs; its clock is the server’s.');

const TrackStartResult = builder.unionType('TrackStartResult', {
  description: 'The running session, or why it does not run.',
  types: [TrackStartSuccess, SessionNotFoundError, SessionEndedError],
  resolveType: ({ type }) =>
    ({ tracked: TrackStartSuccess, session_not_found: SessionNotFoundError, session_ended: SessionEndedError })[type],
});

builder.mutationField('trackStart', (t) =>
  t.field({
    type: TrackStartResult,
    description: 'Starts a session’s clock. Call it when the stream starts; calling it again changes nothing.',
    args: { input: t.arg({ type: TrackStartInput, required: true, description: 'Which session.' }) },
    resolve: (_root, { input }, context) =>
      trackStart(context, context.caller, { ...input, avatarName: input.avatarName ?? null }),
  }),
);

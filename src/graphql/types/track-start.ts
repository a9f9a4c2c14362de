import { trackStart } from '../../app/track-start.ts';
import { name } from '../../inputs/fields.ts';
import { builder } from '../builder.ts';
import { SessionEndedError, SessionNotFoundError, trackSuccess } from './tracked-session.ts';
import { refusalTypeName } from './user-error.ts';

const TrackStartInput = builder.inputType('TrackStartInput', {
  description: 'The conversation and the avatar session that started.',
  fields: (t) => ({
    sessionId: t.id({
      required: true,
      description: 'The ID of the conversation that the token was requested for.',
      validate: name,
    }),
    avatarSessionId: t.id({
      required: true,
      description:
        "The vendor's ID of the session. If `createToken` returned a `record.avatarSessionId`, it must be that ID.",
      validate: name,
    }),
    avatarName: t.string({
      description: 'The name of the avatar, if it is chosen only at the start. The avatar of the token if omitted.',
      validate: name,
    }),
  }),
});

const TrackStartSuccess = trackSuccess('TrackStartSuccess', 'The running session.');

const TrackStartResult = builder.unionType('TrackStartResult', {
  description: 'The running session, or the reason why it is not running.',
  types: [TrackStartSuccess, SessionNotFoundError, SessionEndedError],
  resolveType: (outcome) => (outcome.type === 'tracked' ? TrackStartSuccess : refusalTypeName(outcome)),
});

builder.mutationField('trackStart', (t) =>
  t.field({
    type: TrackStartResult,
    description:
      "Starts the clock of a session. Call it when the stream starts, unless the vendor's SDK is connected through this service. Returns the running session. A repeated call changes nothing. Refused if the caller has no such token, or if the token has expired.",
    args: {
      input: t.arg({
        type: TrackStartInput,
        required: true,
        description: 'The conversation and the avatar session that started.',
      }),
    },
    resolve: (_root, { input }, context) =>
      trackStart(context, context.caller, { ...input, avatarName: input.avatarName ?? null }),
  }),
);

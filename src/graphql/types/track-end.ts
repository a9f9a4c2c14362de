import { trackEnd } from '../../app/track-end.ts';
import { errorText } from '../../inputs/fields.ts';
import { builder } from '../builder.ts';
import { sessionTotals } from './session-totals.ts';
import { SessionNotFoundError, trackSuccess } from './tracked-session.ts';
import { refusalTypeName } from './user-error.ts';

const TrackEndInput = builder.inputType('TrackEndInput', {
  description: 'The session to end and its final totals.',
  fields: (t) => ({
    ...sessionTotals(t),
    errorMessage: t.string({
      description:
        'The error that ended the session, at most 2,000 characters. It sets the `status` of the record to `ERROR`.',
      validate: errorText,
    }),
  }),
});

const TrackEndSuccess = trackSuccess('TrackEndSuccess', 'The ended session, settled by the clock of the server.');

const TrackEndResult = builder.unionType('TrackEndResult', {
  description: 'The ended session, or the reason why there is none.',
  types: [TrackEndSuccess, SessionNotFoundError],
  resolveType: (outcome) => (outcome.type === 'tracked' ? TrackEndSuccess : refusalTypeName(outcome)),
});

builder.mutationField('trackEnd', (t) =>
  t.field({
    type: TrackEndResult,
    description:
      'Ends a session: settles its use, releases the rest of its hold, and stops it at the vendor. Returns the settled session. A repeated call succeeds and only updates totals that have grown. Refused if the caller has no such session.',
    args: {
      input: t.arg({ type: TrackEndInput, required: true, description: 'The session to end and its final totals.' }),
    },
    resolve: (_root, { input }, context) =>
      trackEnd(context, context.caller, {
        avatarSessionId: input.avatarSessionId,
        wordsSpoken: input.wordsSpoken ?? null,
        messagesCount: input.messagesCount ?? null,
        errorMessage: input.errorMessage ?? null,
      }),
  }),
);

import { trackEnd } from '../../app/track-end.ts';
import { count, errorText, name } from '../../inputs/fields.ts';
import { builder } from '../builder.ts';
import { SessionNotFoundError, trackSuccess } from './tracked-session.ts';

const TrackEndInput = builder.inputType('TrackEndInput', {
  description: 'Which session is over, and what was said in it.',
  fields: (t) => ({
    avatarSessionId: t.string({ required: true, description: 'The vendor’s session id.', validate: name }),
    wordsSpoken: t.int({ description: 'Words since the start: a running total, not an increment.', validate: count }),
    messagesCount: t.int({ description: 'Messages since the start: a running total.', validate: count }),
    errorMessage: t.string({
      description: 'What went wrong, if that is why it ends: the record’s status is then ERROR.',
      validate: errorText,
    }),
  }),
});

const TrackEndSuccess = trackSuccess('TrackEndSuccess', 'The session is over and settled by the server’s clock.');

const TrackEndResult = builder.unionType('TrackEndResult', {
  description: 'The settled session. Ending an ended session again is a success and changes nothing.',
  types: [TrackEndSuccess, SessionNotFoundError],
  resolveType: ({ type }) => (type === 'tracked' ? TrackEndSuccess : SessionNotFoundError),
});

builder.mutationField('trackEnd', (t) =>
  t.field({
    type: TrackEndResult,
    description:
      'Ends a session: settles it, returns the unused hold and tells the vendor to stop. Once it is over, only higher totals are taken.',
    args: { input: t.arg({ type: TrackEndInput, required: true, description: 'Which session.' }) },
    resolve: (_root, { input }, context) =>
      trackEnd(context, context.caller, {
        avatarSessionId: input.avatarSessionId,
        wordsSpoken: input.wordsSpoken ?? null,
        messagesCount: input.messagesCount ?? null,
        errorMessage: input.errorMessage ?? null,
      }),
  }),
);

import { trackHeartbeat } from '../../app/track-heartbeat.ts';
import { count, name } from '../../inputs/fields.ts';
import { builder } from '../builder.ts';
import { SessionEndedError, SessionNotFoundError, trackSuccess } from './tracked-session.ts';

const TrackHeartbeatInput = builder.inputType('TrackHeartbeatInput', {
  description: 'Which session is alive, and what was said in it so far.',
  fields: (t) => ({
    avatarSessionId: t.string({ required: true, description: 'The vendor’s session id.', validate: name }),
    wordsSpoken: t.int({ description: 'Words since the start: a running total, not an increment.', validate: count }),
    messagesCount: t.int({ description: 'Messages since the start: a running total.', validate: count }),
  }),
});

const TrackHeartbeatSuccess = trackSuccess('TrackHeartbeatSuccess', 'The session is known to be alive.');

const TrackHeartbeatResult = builder.unionType('TrackHeartbeatResult', {
  description: 'The running session, or why it does not run.',
  types: [TrackHeartbeatSuccess, SessionNotFoundError, SessionEndedError],
  resolveType: ({ type }) =>
    ({ tracked: TrackHeartbeatSuccess, session_not_found: SessionNotFoundError, session_ended: SessionEndedError })[
      type
    ],
});

builder.mutationField('trackHeartbeat', (t) =>
  t.field({
    type: TrackHeartbeatResult,
    description:
      'Says that a session is alive, every heartbeatSeconds. Optional; but once one has come, the session ends when three are missed, settled at the last one.',
    args: { input: t.arg({ type: TrackHeartbeatInput, required: true, description: 'Which session.' }) },
    resolve: (_root, { input }, context) =>
      trackHeartbeat(context, context.caller, {
        avatarSessionId: input.avatarSessionId,
        wordsSpoken: input.wordsSpoken ?? null,
        messagesCount: input.messagesCount ?? null,
      }),
  }),
);

import { trackHeartbeat } from '../../app/track-heartbeat.ts';
import { builder } from '../builder.ts';
import { sessionTotals } from './session-totals.ts';
import { SessionEndedError, SessionNotFoundError, trackSuccess } from './tracked-session.ts';
import { refusalTypeName } from './user-error.ts';

const TrackHeartbeatInput = builder.inputType('TrackHeartbeatInput', {
  description: 'The running session and its totals so far.',
  fields: sessionTotals,
});

const TrackHeartbeatSuccess = trackSuccess('TrackHeartbeatSuccess', 'The running session.');

const TrackHeartbeatResult = builder.unionType('TrackHeartbeatResult', {
  description: 'The running session, or the reason why it is not running.',
  types: [TrackHeartbeatSuccess, SessionNotFoundError, SessionEndedError],
  resolveType: (outcome) => (outcome.type === 'tracked' ? TrackHeartbeatSuccess : refusalTypeName(outcome)),
});

builder.mutationField('trackHeartbeat', (t) =>
  t.field({
    type: TrackHeartbeatResult,
    description:
      'Reports that a session is still running. Optional: call it every `heartbeatSeconds`, or subscribe to `quotaUpdated(avatarSessionId:)` instead. After the first heartbeat, the session ends when three in a row are missed. Returns the running session. Refused if the session has ended, or if the caller has no such session.',
    args: {
      input: t.arg({
        type: TrackHeartbeatInput,
        required: true,
        description: 'The running session and its totals so far.',
      }),
    },
    resolve: (_root, { input }, context) =>
      trackHeartbeat(context, context.caller, {
        avatarSessionId: input.avatarSessionId,
        wordsSpoken: input.wordsSpoken ?? null,
        messagesCount: input.messagesCount ?? null,
      }),
  }),
);

import { z } from 'zod';
import { viewSaved } from '../../../app/read-quota.ts';
import { trackEnd } from '../../../app/track-end.ts';
import { count, errorText, name } from '../../../inputs/fields.ts';
import { RequestRefusal } from '../answers/errors.ts';
import { quotaSchema, quotaShape } from '../answers/quota.ts';
import { usageRecordSchema, usageRecordShape } from '../answers/usage-record.ts';
import { defineCall } from '../call.ts';
import { component, exampleOf } from '../schemas.ts';

const request = component(
  'TrackEndRequest',
  'The session that has ended, with its totals.',
  {
    avatar_session_id: name.describe('The vendor’s ID of the session.'),
    words_spoken: count.nullish().describe('The total number of words spoken by the avatar. A total never decreases.'),
    messages_count: count.nullish().describe('The total number of messages exchanged. A total never decreases.'),
    error_message: errorText.nullish().meta({
      description: 'A description of the error that ended the session. The record then has the status `error`.',
      examples: ['The browser lost its connection.'],
    }),
  },
  {
    avatar_session_id: 'd1a4c7b2-6a39-4e1b-8f5d-0f3f6c2b9e77',
    words_spoken: 1240,
    messages_count: 18,
    error_message: null,
  },
);

const success = component(
  'TrackEndSuccess',
  'A session that has ended and was settled.',
  {
    success: z.literal(true).describe('Always true: the session has ended.'),
    record: usageRecordSchema.describe('The record of the ended session.'),
    quota: quotaSchema.describe('The quota after the session was settled.'),
  },
  {
    success: true,
    record: {
      ...exampleOf(usageRecordSchema),
      actual_seconds: null,
      actual_cost: null,
      vendor_end_reason: null,
      updated_at: '2026-11-24T09:42:30.000Z',
    },
    quota: exampleOf(quotaSchema),
  },
);

export const trackEndCall = defineCall({
  method: 'POST',
  path: 'tokens/track-end',
  tag: 'Tokens',
  operationId: 'trackEnd',
  summary: 'Report the end of a session',
  description:
    'Ends and settles the session by the clock of the server, releases the quota that it did not use, and stops it at the vendor. Calling it again succeeds: it accepts higher totals and does not change the cost.',
  input: request,
  answers: [success],
  errors: [404],
  async run(deps, caller, { avatar_session_id, words_spoken, messages_count, error_message }) {
    const outcome = await trackEnd(deps, caller, {
      avatarSessionId: avatar_session_id,
      wordsSpoken: words_spoken ?? null,
      messagesCount: messages_count ?? null,
      errorMessage: error_message ?? null,
    });
    if (outcome.type === 'session_not_found') throw new RequestRefusal(404, outcome.code, outcome.message);
    const { saved } = outcome;
    return {
      success: true,
      record: usageRecordShape(saved.record, deps.clock()),
      quota: quotaShape(viewSaved(deps, saved)),
    } satisfies z.infer<typeof success>;
  },
});

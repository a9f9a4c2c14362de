import { z } from 'zod';
import { createToken } from '../../../app/create-token.ts';
import { viewSaved } from '../../../app/read-quota.ts';
import { name } from '../../../inputs/fields.ts';
import { quotaSchema, quotaShape } from '../answers/quota.ts';
import {
  concurrencyLimitSchema,
  concurrencyLimitShape,
  quotaExceededSchema,
  quotaExceededShape,
  vendorErrorSchema,
  vendorErrorShape,
} from '../answers/refusals.ts';
import { defineCall } from '../call.ts';
import { component, exampleOf, wholeNumber } from '../schemas.ts';

const request = component(
  'CreateTokenRequest',
  'The conversation and the avatar that a token is requested for.',
  {
    session_id: name.describe('The app’s own ID of the conversation.'),
    avatar_name: name.nullish().describe('The name of the avatar. The default is the first avatar of the deployment.'),
  },
  { session_id: 'chat-8831', avatar_name: 'anna' },
);

const trackingInfo = component(
  'TrackingInfo',
  'The IDs to report the session with.',
  {
    user_id: z.string().describe('The ID of the user.'),
    session_id: z.string().describe('The app’s own ID of the conversation.'),
  },
  { user_id: 'user-1204', session_id: 'chat-8831' },
);

const success = component(
  'CreateTokenSuccess',
  'A token for a streaming session, whose quota is held.',
  {
    success: z.literal(true).describe('Always true: the token was issued.'),
    token: z.string().describe('The vendor’s token. Pass it to the vendor’s SDK.'),
    message: z.string().describe('A sentence to show to the user.'),
    usage_tracking: z.literal(true).describe('Always true: the session is metered.'),
    tracking_info: trackingInfo,
    avatar_session_id: z
      .string()
      .nullable()
      .describe('The vendor’s ID of the session. Null if the vendor assigns it when the session starts.'),
    max_duration_seconds: wholeNumber.describe(
      'The number of seconds that are held. The session ends automatically after them.',
    ),
    quota: quotaSchema.describe('The quota after the token was issued. Held seconds do not count as used.'),
  },
  {
    success: true,
    token: 'sess_8f2c41d09b7e4a63',
    message: 'The session can run for up to 690 seconds.',
    usage_tracking: true,
    tracking_info: exampleOf(trackingInfo),
    avatar_session_id: 'd1a4c7b2-6a39-4e1b-8f5d-0f3f6c2b9e77',
    max_duration_seconds: 690,
    quota: exampleOf(quotaSchema),
  },
);

export const createTokenCall = defineCall({
  method: 'POST',
  path: 'tokens/create',
  tag: 'Tokens',
  operationId: 'createToken',
  summary: 'Create a token',
  description: [
    'Holds quota for a session, then requests a token from the vendor. The vendor ends the session when the held seconds are used.',
    'A refusal has status 200 with `success: false`. Show its `message`, and decide by its `code`.',
  ].join('\n\n'),
  input: request,
  answers: [success, quotaExceededSchema, concurrencyLimitSchema, vendorErrorSchema],
  errors: [429],
  async run(deps, caller, { session_id, avatar_name }) {
    const outcome = await createToken(deps, caller, { sessionId: session_id, avatarName: avatar_name ?? null });
    switch (outcome.type) {
      case 'quota_exceeded':
        return quotaExceededShape(outcome);
      case 'concurrency_limit':
        return concurrencyLimitShape(outcome, deps.clock());
      case 'vendor_error':
        return vendorErrorShape(outcome);
      case 'token':
        return {
          success: true,
          token: outcome.token,
          message: `The session can run for up to ${outcome.maxDurationSeconds} seconds.`,
          usage_tracking: true,
          tracking_info: { user_id: caller.userId, session_id },
          avatar_session_id: outcome.avatarSessionId,
          max_duration_seconds: outcome.maxDurationSeconds,
          quota: quotaShape(viewSaved(deps, outcome.saved)),
        } satisfies z.infer<typeof success>;
    }
  },
});

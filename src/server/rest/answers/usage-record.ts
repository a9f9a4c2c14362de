import { z } from 'zod';
import { moneyToNumber } from '../../../domain/money.ts';
import { recordUse } from '../../../domain/record-use.ts';
import type { EndReason, UsageStatus } from '../../../domain/session.ts';
import { errorForUser, type UsageRecord } from '../../../domain/usage-record.ts';
import { period } from '../../../inputs/fields.ts';
import { component, cost, enumeration, instant, wholeNumber } from '../schemas.ts';

const usageStatus = enumeration<UsageStatus>('UsageStatus', 'The state of a usage record.', {
  reserved: 'The token was issued and its quota is held. The session has not started.',
  active: 'The session is running.',
  completed: 'The session ended and was settled.',
  error: 'The vendor failed to issue the token or to start the session, or the client reported an error.',
  expired: 'The token was never used. Nothing was charged.',
});

const endReason = enumeration<EndReason>('EndReason', 'The reason why a usage record ended.', {
  user_ended: 'The client ended the session with `trackEnd`, or the vendor’s SDK stopped it.',
  deadline_reached: 'The session reached its maximum duration.',
  heartbeat_lost: 'The client stopped sending heartbeats.',
  token_expired: 'The token expired before it was used.',
  superseded: 'A newer token replaced it.',
  admin_ended: 'An administrator ended the session.',
  vendor_ended: 'The vendor ended the session.',
  vendor_error: 'The vendor failed to issue the token or to start the session.',
  client_error: 'The client ended the session with an `error_message`.',
});

export const usageRecordSchema = component(
  'UsageRecord',
  'A token and the session that was started with it.',
  {
    id: z.string().describe('The ID of the record.'),
    user_id: z.string().describe('The ID of the user, which is the `sub` claim of the JWT.'),
    session_id: z.string().describe('The app’s own ID of the conversation.'),
    avatar_session_id: z.string().nullable().describe('The vendor’s ID of the session. Null until it is known.'),
    avatar_name: z.string().describe('The name of the avatar.'),
    vendor: z.string().describe('The name of the vendor that streams the avatar.'),
    status: usageStatus,
    end_reason: endReason.nullable().describe('The reason why the record ended. Null while it is open.'),
    session_started_at: instant.nullable().describe('The time at which the session started. Null before that.'),
    session_ended_at: instant
      .nullable()
      .describe('The time at which the session ended or the token expired. Null before that.'),
    duration_seconds: wholeNumber.describe(
      'The duration of the session in seconds, measured by the server. Up to now while the session is running.',
    ),
    words_spoken: wholeNumber.describe('The total number of words spoken by the avatar, as reported by the client.'),
    messages_count: wholeNumber.describe('The total number of messages exchanged, as reported by the client.'),
    estimated_cost: cost.describe(
      'The cost of the session in the currency of the deployment, at the prices in force. Up to now while the session is running.',
    ),
    actual_seconds: wholeNumber
      .nullable()
      .describe('The duration in seconds, as reported by the vendor. Null until it is known.'),
    actual_cost: cost
      .nullable()
      .describe(
        'The cost that the vendor charges, in the currency of the deployment. Null until it is known. From then on, the quota uses it in place of `estimated_cost`.',
      ),
    vendor_end_reason: z
      .string()
      .nullable()
      .describe('The reason why the session ended, in the vendor’s terms. Null until it is known.'),
    billing_period: period.describe(
      'The calendar month in which the session started or, without a start, in which the token was requested.',
    ),
    max_duration_seconds: wholeNumber.describe('The number of seconds after which the session ends automatically.'),
    expires_at: instant.nullable().meta({
      description:
        'The time at which the session ends automatically or, before it starts, the time at which the token expires. Null after the record ended.',
      examples: ['2026-11-24T10:00:00.000Z'],
    }),
    error_message: z
      .string()
      .nullable()
      .meta({
        description: 'A description of what went wrong. Null without an error.',
        examples: ['The browser lost its connection.'],
      }),
    created_at: instant.describe('The time at which the token was requested.'),
    updated_at: instant.describe('The time of the last change to the record.'),
  },
  {
    id: '5b7c1b0e-8a5f-4c0e-9f0a-2f6f1f3f9d21',
    user_id: 'user-1204',
    session_id: 'chat-8831',
    avatar_session_id: 'd1a4c7b2-6a39-4e1b-8f5d-0f3f6c2b9e77',
    avatar_name: 'anna',
    vendor: 'liveavatar',
    status: 'completed',
    end_reason: 'user_ended',
    session_started_at: '2026-11-24T09:30:00.000Z',
    session_ended_at: '2026-11-24T09:42:30.000Z',
    duration_seconds: 750,
    words_spoken: 1240,
    messages_count: 18,
    estimated_cost: 6.25,
    actual_seconds: 748,
    actual_cost: 6.233333,
    vendor_end_reason: 'USER_CLOSED',
    billing_period: '2026-11',
    max_duration_seconds: 1800,
    expires_at: null,
    error_message: null,
    created_at: '2026-11-24T09:29:41.000Z',
    updated_at: '2026-11-24T09:47:00.000Z',
  },
);

/** A usage record, with the use of a running session up to `at`. */
export function usageRecordShape(record: UsageRecord, at: Date): z.infer<typeof usageRecordSchema> {
  const use = recordUse(record, at);
  return {
    id: record.id,
    user_id: record.userId,
    session_id: record.sessionId,
    avatar_session_id: record.avatarSessionId,
    avatar_name: record.avatarName,
    vendor: record.vendor,
    status: record.status,
    end_reason: record.endReason,
    session_started_at: toText(record.startedAt),
    session_ended_at: toText(record.endedAt),
    duration_seconds: use.seconds,
    words_spoken: record.wordsSpoken,
    messages_count: record.messagesCount,
    estimated_cost: moneyToNumber(use.cost),
    actual_seconds: record.actualSeconds,
    actual_cost: record.actualCost === null ? null : moneyToNumber(record.actualCost),
    vendor_end_reason: record.vendorEndReason,
    billing_period: record.billingPeriod,
    max_duration_seconds: record.grantSeconds,
    expires_at: toText(record.expiresAt),
    error_message: errorForUser(record),
    created_at: record.createdAt.toISOString(),
    updated_at: record.updatedAt.toISOString(),
  };
}

function toText(instant: Date | null): string | null {
  return instant?.toISOString() ?? null;
}

import { z } from 'zod';
import { createToken } from '../../app/create-token.ts';
import { readQuota } from '../../app/read-quota.ts';
import { trackEnd } from '../../app/track-end.ts';
import { trackStart } from '../../app/track-start.ts';
import type { Caller } from '../../domain/caller.ts';
import { ForbiddenError } from '../../domain/errors.ts';
import type { UsageRecord } from '../../domain/usage-record.ts';
import { count, errorText, name } from '../../inputs/fields.ts';
import { answer, refusal } from './answers.ts';
import type { RestCall, RestDeps } from './calls.ts';
import { parseInput } from './input.ts';
import { quotaShape, recordShape } from './shapes.ts';

const CREATE = z.object({ session_id: name, avatar_name: name.nullish() });

/** `POST /api/v1/tokens/create` */
export const createTokenCall: RestCall = async (deps, caller, input) => {
  const { session_id, avatar_name } = parseInput(CREATE, input);
  const outcome = await createToken(deps, caller, { sessionId: session_id, avatarName: avatar_name ?? null });
  if (outcome.type !== 'token') {
    const { records } = deps;
    const open = outcome.type === 'concurrency_limit' ? await records.find(caller.userId, outcome.openRecordIds) : [];
    return refusal(outcome, open, deps.clock());
  }
  return answer({
    success: true,
    token: outcome.token,
    message: `The session can run for up to ${outcome.maxDurationSeconds} seconds.`,
    usage_tracking: true,
    tracking_info: { user_id: caller.userId, session_id },
    avatar_session_id: outcome.avatarSessionId,
    max_duration_seconds: outcome.maxDurationSeconds,
    quota: quotaShape(await readQuota(deps, caller.userId)),
  });
};

const START = z.object({
  avatar_session_id: name,
  user_id: name.nullish(),
  session_id: name,
  avatar_name: name.nullish(),
});

/** `POST /api/v1/tokens/track-start` */
export const trackStartCall: RestCall = async (deps, caller, input) => {
  const { avatar_session_id, user_id, session_id, avatar_name } = parseInput(START, input);
  if (user_id && user_id !== caller.userId) {
    throw new ForbiddenError('A session can only be started for the user of the token. Leave user_id out.');
  }
  const outcome = await trackStart(deps, caller, {
    sessionId: session_id,
    avatarSessionId: avatar_session_id,
    avatarName: avatar_name ?? null,
  });
  if (outcome.type === 'session_not_found') return refusal(outcome, [], deps.clock());
  const record = await readRecord(deps, caller, outcome.recordId);
  return outcome.type === 'session_ended'
    ? refusal(outcome, [record], deps.clock())
    : answer({ success: true, record: recordShape(record, deps.clock()) });
};

const END = z.object({
  avatar_session_id: name,
  words_spoken: count.nullish(),
  messages_count: count.nullish(),
  error_message: errorText.nullish(),
});

/** `POST /api/v1/tokens/track-end` */
export const trackEndCall: RestCall = async (deps, caller, input) => {
  const { avatar_session_id, words_spoken, messages_count, error_message } = parseInput(END, input);
  const outcome = await trackEnd(deps, caller, {
    avatarSessionId: avatar_session_id,
    wordsSpoken: words_spoken ?? null,
    messagesCount: messages_count ?? null,
    errorMessage: error_message ?? null,
  });
  if (outcome.type === 'session_not_found') return refusal(outcome, [], deps.clock());
  const record = await readRecord(deps, caller, outcome.recordId);
  return answer({
    success: true,
    record: recordShape(record, deps.clock()),
    quota: quotaShape(await readQuota(deps, caller.userId)),
  });
};

async function readRecord({ records }: RestDeps, { userId }: Caller, id: string): Promise<UsageRecord> {
  const [record] = await records.find(userId, [id]);
  if (!record) throw new Error(`There is no record ${id}`);
  return record;
}

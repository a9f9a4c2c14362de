import { z } from 'zod';
import { canCreateSession } from '../../app/can-create-session.ts';
import { currentPeriod, readQuota } from '../../app/read-quota.ts';
import { BadUserInputError } from '../../domain/errors.ts';
import type { HistoryKey } from '../../domain/usage-history.ts';
import { DEFAULT_PAGE_SIZE, pageSize, period } from '../../inputs/fields.ts';
import { formatHistoryCursor, parseHistoryCursor } from '../../inputs/history-cursor.ts';
import { answer } from './answers.ts';
import type { RestCall } from './calls.ts';
import { parseInput } from './input.ts';
import { quotaShape, recordShape, summaryShape } from './shapes.ts';

/** `GET /api/v1/usage/quota` */
export const quotaCall: RestCall = async (deps, { userId }) => answer(quotaShape(await readQuota(deps, userId)));

/** `GET /api/v1/usage/can-create-session` */
export const canCreateSessionCall: RestCall = async (deps, caller) => {
  const { allowed, reason, message } = await canCreateSession(deps, caller, null, null);
  return answer({ allowed, reason, message });
};

const SUMMARY = z.object({ period: period.optional() });

/** `GET /api/v1/usage/summary` */
export const summaryCall: RestCall = async (deps, { userId }, input) => {
  const { period } = parseInput(SUMMARY, input);
  return answer(summaryShape(await deps.usage.summary(userId, period ?? currentPeriod(deps))));
};

const HISTORY = z.object({
  limit: z
    .string()
    .regex(/^\d+$/, 'This must be a whole number.')
    .transform(Number)
    .pipe(pageSize)
    .default(DEFAULT_PAGE_SIZE),
  cursor: z.string().optional(),
  period: period.optional(),
});

/** `GET /api/v1/usage/history` */
export const historyCall: RestCall = async (deps, { userId }, input) => {
  const { limit, cursor, period } = parseInput(HISTORY, input);
  const records = await deps.records.list({
    userId,
    filter: { period },
    after: cursor === undefined ? null : readCursor(cursor),
    limit: limit + 1,
  });
  const page = records.slice(0, limit);
  const last = page.at(-1);
  const now = deps.clock();
  return answer({
    items: page.map((record) => recordShape(record, now)),
    next_cursor: last && records.length > limit ? formatHistoryCursor(last) : null,
  });
};

function readCursor(cursor: string): HistoryKey {
  const key = parseHistoryCursor(cursor);
  if (key) return key;
  throw new BadUserInputError(
    'cursor: This is no cursor of the history. Pass the next_cursor of the page before, unchanged.',
    ['cursor'],
  );
}

import { z } from 'zod';
import { BadUserInputError } from '../../../domain/errors.ts';
import type { HistoryKey } from '../../../domain/usage-history.ts';
import { DEFAULT_PAGE_SIZE, pageSize, period } from '../../../inputs/fields.ts';
import { formatHistoryCursor, parseHistoryCursor } from '../../../inputs/history-cursor.ts';
import { usageRecordSchema, usageRecordShape } from '../answers/usage-record.ts';
import { defineCall } from '../call.ts';
import { component, exampleOf } from '../schemas.ts';

const CURSOR_EXAMPLE = formatHistoryCursor({
  createdAt: new Date(exampleOf(usageRecordSchema).created_at),
  id: exampleOf(usageRecordSchema).id,
});

const usageHistory = component(
  'UsageHistory',
  'A page of usage records.',
  {
    items: z.array(usageRecordSchema).describe('The records of this page, newest first.'),
    next_cursor: z
      .string()
      .nullable()
      .describe('The cursor of the next page. Pass it unchanged as `cursor`. Null on the last page.'),
  },
  { items: [exampleOf(usageRecordSchema)], next_cursor: CURSOR_EXAMPLE },
);

export const historyCall = defineCall({
  method: 'GET',
  path: 'usage/history',
  tag: 'Usage',
  operationId: 'getUsageHistory',
  summary: 'List usage records',
  description: 'Returns the usage records of the user, newest first, in pages.',
  input: z.object({
    limit: z
      .string()
      .regex(/^\d+$/, 'This must be a whole number.')
      .transform(Number)
      .pipe(pageSize)
      .default(DEFAULT_PAGE_SIZE)
      .meta({ description: 'The maximum number of records on a page.', examples: [DEFAULT_PAGE_SIZE] }),
    cursor: z
      .string()
      .optional()
      .meta({
        description: 'The `next_cursor` of the previous page. The default is the first page.',
        examples: [CURSOR_EXAMPLE],
      }),
    period: period.optional().meta({
      description: 'The calendar month of the records, which is their `billing_period`. The default is all months.',
      examples: ['2026-11'],
    }),
  }),
  answers: [usageHistory],
  errors: [],
  async run(deps, { userId }, { limit, cursor, period }) {
    const records = await deps.records.list({
      userId,
      filter: { period },
      after: cursor === undefined ? null : readCursor(cursor),
      limit: limit + 1,
    });
    const page = records.slice(0, limit);
    const last = page.at(-1);
    const now = deps.clock();
    return {
      items: page.map((record) => usageRecordShape(record, now)),
      next_cursor: last && records.length > limit ? formatHistoryCursor(last) : null,
    } satisfies z.infer<typeof usageHistory>;
  },
});

function readCursor(cursor: string): HistoryKey {
  const key = parseHistoryCursor(cursor);
  if (key) return key;
  throw new BadUserInputError('cursor: Invalid cursor. Pass the next_cursor of a previous page.', ['cursor']);
}

import { z } from 'zod';
import { currentPeriod } from '../../../app/read-quota.ts';
import { period } from '../../../inputs/fields.ts';
import { usageSummarySchema, usageSummaryShape } from '../answers/usage-summary.ts';
import { defineCall } from '../call.ts';

export const summaryCall = defineCall({
  method: 'GET',
  path: 'usage/summary',
  tag: 'Usage',
  operationId: 'getUsageSummary',
  summary: 'Get the usage of a month',
  description: 'Returns the totals of one month, by avatar and by day.',
  input: z.object({
    period: period.optional().meta({
      description: 'The calendar month. The default is the current month.',
      examples: ['2026-11'],
    }),
  }),
  answers: [usageSummarySchema],
  errors: [],
  async run(deps, { userId }, { period }) {
    const summary = await deps.usage.summary(userId, period ?? currentPeriod(deps));
    return usageSummaryShape(summary, deps.policy.currency);
  },
});

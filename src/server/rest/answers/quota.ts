import { z } from 'zod';
import { moneyToNumber } from '../../../domain/money.ts';
import { type QuotaLimit, toMinutes } from '../../../domain/quota.ts';
import type { QuotaView } from '../../../domain/quota-view.ts';
import type { QuotaWarning } from '../../../domain/thresholds.ts';
import { period } from '../../../inputs/fields.ts';
import { component, cost, enumeration, exampleOf, instant, wholeNumber } from '../schemas.ts';

export const quotaLimit = enumeration<QuotaLimit>('QuotaLimit', 'One of the two monthly limits.', {
  minutes: 'The limit on minutes of streaming.',
  cost: 'The limit on the cost of streaming.',
});

const quotaWarningLevel = enumeration<QuotaWarning['level']>('QuotaWarningLevel', 'The urgency of a warning.', {
  approaching_limit: 'A warning threshold was crossed, 80 percent by default.',
  limit_reached: 'The quota is used up.',
});

const quotaWarningSchema = component(
  'QuotaWarning',
  'A warning that a quota is almost or completely used up.',
  {
    level: quotaWarningLevel,
    limit: quotaLimit.describe('The limit that is closest to being used up.'),
    threshold_percent: wholeNumber.describe('The highest threshold crossed, as a percentage of the limit.'),
    percent_used: z.number().describe('The percentage of the limit that is used. Can exceed 100.'),
    crossed_at: instant.describe('The time at which the threshold was crossed.'),
    message: z.string().describe('A sentence to show to the user.'),
  },
  {
    level: 'approaching_limit',
    limit: 'minutes',
    threshold_percent: 80,
    percent_used: 80.83,
    crossed_at: '2026-11-24T09:41:30.000Z',
    message: 'You have used 48 of 60 minutes this month.',
  },
);

export const quotaSchema = component(
  'Quota',
  'The limits and the use of one user in one calendar month. Use includes running sessions up to now.',
  {
    monthly_limit_minutes: wholeNumber.describe('The limit on minutes per month.'),
    used_minutes: z.number().describe('The minutes used, with up to four decimals.'),
    remaining_minutes: z.number().describe('The minutes of the limit that are not used, at least 0.'),
    monthly_limit_cost: cost.describe('The limit on cost per month, in the currency of the deployment.'),
    used_cost: cost.describe('The cost of the minutes used, in the currency of the deployment.'),
    remaining_cost: cost.describe('The cost of the limit that is not used, at least 0.'),
    percent_used: z
      .number()
      .describe('The percentage of the quota that is used: the higher of minutes and cost. Can exceed 100.'),
    warning: quotaWarningSchema.nullable().describe('The current warning. Null below the first threshold.'),
    current_month: period.describe('The calendar month in the billing time zone.'),
    resets_at: instant.describe('The time at which the month ends and the full quota is available again.'),
  },
  {
    monthly_limit_minutes: 60,
    used_minutes: 48.5,
    remaining_minutes: 11.5,
    monthly_limit_cost: 50,
    used_cost: 24.25,
    remaining_cost: 25.75,
    percent_used: 80.83,
    warning: exampleOf(quotaWarningSchema),
    current_month: '2026-11',
    resets_at: '2026-12-01T00:00:00.000Z',
  },
);

export function quotaShape(quota: QuotaView): z.infer<typeof quotaSchema> {
  const { state, warning } = quota;
  return {
    monthly_limit_minutes: state.limitMinutes,
    used_minutes: toMinutes(quota.usedSeconds),
    remaining_minutes: toMinutes(quota.remainingSeconds),
    monthly_limit_cost: moneyToNumber(state.limitCost),
    used_cost: moneyToNumber(quota.usedCost),
    remaining_cost: moneyToNumber(quota.remainingCost),
    percent_used: quota.percentUsed,
    warning: warning && warningShape(warning),
    current_month: state.period,
    resets_at: quota.resetsAt.toISOString(),
  };
}

function warningShape(warning: QuotaWarning): z.infer<typeof quotaWarningSchema> {
  return {
    level: warning.level,
    limit: warning.limit,
    threshold_percent: warning.thresholdPercent,
    percent_used: warning.percentUsed,
    crossed_at: warning.crossedAt.toISOString(),
    message: warning.message,
  };
}

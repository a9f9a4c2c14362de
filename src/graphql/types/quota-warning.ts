import type { QuotaLimit } from '../../domain/quota.ts';
import type { QuotaWarning } from '../../domain/thresholds.ts';
import { builder } from '../builder.ts';

export const QuotaLimitEnum = builder.enumType('QuotaLimit', {
  description: 'One of the two monthly limits of a quota.',
  values: {
    MINUTES: { value: 'minutes', description: 'The limit on minutes of streaming, `limitMinutes`.' },
    COST: { value: 'cost', description: 'The limit on the cost of streaming, `limitCost`.' },
  } as const satisfies Record<string, { value: QuotaLimit; description: string }>,
});

const QuotaWarningLevelEnum = builder.enumType('QuotaWarningLevel', {
  description: 'The urgency of a warning.',
  values: {
    APPROACHING_LIMIT: {
      value: 'approaching_limit',
      description: 'A threshold has been crossed, 80% by default. The limit has not been reached.',
    },
    LIMIT_REACHED: { value: 'limit_reached', description: 'The limit has been reached. No more tokens are issued.' },
  } as const satisfies Record<string, { value: QuotaWarning['level']; description: string }>,
});

export const QuotaWarningType = builder.objectRef<QuotaWarning>('QuotaWarning').implement({
  description: 'The warning that a quota is almost or completely used up.',
  fields: (t) => ({
    level: t.expose('level', { type: QuotaWarningLevelEnum, description: 'The urgency of the warning.' }),
    limit: t.expose('limit', { type: QuotaLimitEnum, description: 'The limit with the higher percentage used.' }),
    thresholdPercent: t.exposeInt('thresholdPercent', {
      description: 'The highest threshold crossed, as a percentage of the limit.',
    }),
    percentUsed: t.exposeFloat('percentUsed', {
      description: 'The percentage of the limit that has been used. It can exceed 100.',
    }),
    crossedAt: t.expose('crossedAt', {
      type: 'DateTime',
      description: 'The moment at which the threshold was crossed.',
    }),
    message: t.exposeString('message', {
      description: 'A sentence in English to show to the user, such as "You have used 48 of 60 minutes this month."',
    }),
  }),
});

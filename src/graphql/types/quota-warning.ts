import type { QuotaLimit } from '../../domain/quota.ts';
import type { QuotaWarning } from '../../domain/thresholds.ts';
import { builder } from '../builder.ts';

export const QuotaLimitEnum = builder.enumType('QuotaLimit', {
  description: 'Which of the two monthly limits is meant.',
  values: {
    MINUTES: { value: 'minutes', description: 'The minutes of streaming.' },
    COST: { value: 'cost', description: 'The cost of streaming.' },
  } as const satisfies Record<string, { value: QuotaLimit; description: string }>,
});

const QuotaWarningLevelEnum = builder.enumType('QuotaWarningLevel', {
  description: 'How urgent a warning is.',
  values: {
    APPROACHING_LIMIT: {
      value: 'approaching_limit',
      description: 'A threshold is crossed, 80 % unless set otherwise.',
    },
    LIMIT_REACHED: { value: 'limit_reached', description: 'The quota is used up.' },
  } as const,
});

export const QuotaWarningType = builder.objectRef<QuotaWarning>('QuotaWarning').implement({
  description: 'The quota is nearly or wholly used up.',
  fields: (t) => ({
    level: t.expose('level', { type: QuotaWarningLevelEnum, description: 'How urgent it is.' }),
    limit: t.expose('limit', { type: QuotaLimitEnum, description: 'The limit that is nearest to its end.' }),
    thresholdPercent: t.exposeInt('thresholdPercent', { description: 'The highest threshold crossed, in per cent.' }),
    percentUsed: t.exposeFloat('percentUsed', { description: 'How much of that limit is used. May pass 100.' }),
    crossedAt: t.expose('crossedAt', { type: 'DateTime', description: 'When the threshold was crossed.' }),
    message: t.exposeString('message', {
      description: 'A sentence to show: You have used 48 of 60 minutes this month.',
    }),
  }),
});

import { currentPeriod } from '../../app/read-quota.ts';
import { averageSessionSeconds, successRate, type UsageSummary } from '../../domain/usage-summary.ts';
import { builder } from '../builder.ts';

const AvatarUsageType = builder.objectRef<UsageSummary['byAvatar'][number]>('AvatarUsage').implement({
  description: 'Use of one avatar.',
  fields: (t) => ({
    avatarName: t.exposeString('avatarName', { description: 'The avatar.' }),
    sessionCount: t.exposeInt('sessionCount', { description: 'Sessions started.' }),
    totalSeconds: t.exposeInt('totalSeconds', { description: 'Seconds streamed.' }),
    totalCost: t.expose('totalCost', { type: 'Decimal', description: 'Their cost.' }),
  }),
});

const DailyUsageType = builder.objectRef<UsageSummary['byDay'][number]>('DailyUsage').implement({
  description: 'Use of the sessions that started on one day.',
  fields: (t) => ({
    date: t.exposeString('date', { description: 'The day in the billing time zone, such as 2026-11-24.' }),
    sessionCount: t.exposeInt('sessionCount', { description: 'Sessions started.' }),
    totalSeconds: t.exposeInt('totalSeconds', { description: 'Seconds streamed.' }),
    totalCost: t.expose('totalCost', { type: 'Decimal', description: 'Their cost.' }),
  }),
});

const UsageSummaryType = builder.objectRef<UsageSummary>('UsageSummary').implement({
  description:
    'Totals and breakdowns of one month. Running sessions count up to now, ended ones by the vendor’s figures once they are known.',
  fields: (t) => ({
    period: t.expose('period', { type: 'BillingPeriod', description: 'The month.' }),
    sessionCount: t.exposeInt('sessionCount', { description: 'Sessions started.' }),
    completedCount: t.exposeInt('completedCount', { description: 'Sessions that ended well.' }),
    errorCount: t.exposeInt('errorCount', { description: 'Tokens and sessions that ended with an error.' }),
    successRate: t.float({
      nullable: true,
      description: 'completed ÷ (completed + error), null without either.',
      resolve: successRate,
    }),
    totalSeconds: t.exposeInt('totalSeconds', { description: 'Seconds streamed.' }),
    totalCost: t.expose('totalCost', { type: 'Decimal', description: 'Their cost.' }),
    wordsSpoken: t.exposeInt('wordsSpoken', { description: 'Words the avatars have spoken, as clients reported.' }),
    messagesCount: t.exposeInt('messagesCount', { description: 'Messages exchanged, as clients reported.' }),
    averageSessionSeconds: t.float({
      description: 'Seconds per session started, 0 without one.',
      resolve: averageSessionSeconds,
    }),
    byAvatar: t.expose('byAvatar', { type: [AvatarUsageType], description: 'By avatar, the dearest first.' }),
    byDay: t.expose('byDay', { type: [DailyUsageType], description: 'By day, the earliest first.' }),
  }),
});

builder.queryField('usageSummary', (t) =>
  t.field({
    type: UsageSummaryType,
    description: 'Totals and breakdowns of the caller’s use in one period, the current one unless another is named.',
    args: { period: t.arg({ type: 'BillingPeriod', description: 'The month, such as 2026-11.' }) },
    resolve: (_root, { period }, context) =>
      context.usage.summary(context.caller.userId, period ?? currentPeriod(context)),
  }),
);

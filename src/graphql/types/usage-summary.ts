import { currentPeriod } from '../../app/read-quota.ts';
import { averageSessionSeconds, successRate, type UsageSummary } from '../../domain/usage-summary.ts';
import { builder } from '../builder.ts';

const AvatarUsageType = builder.objectRef<UsageSummary['byAvatar'][number]>('AvatarUsage').implement({
  description: 'The use of one avatar in a month.',
  fields: (t) => ({
    avatarName: t.exposeString('avatarName', { description: 'The name of the avatar.' }),
    sessionCount: t.exposeInt('sessionCount', { description: 'The number of sessions started.' }),
    totalSeconds: t.exposeInt('totalSeconds', { description: 'The number of seconds used.' }),
    totalCost: t.expose('totalCost', { type: 'Decimal', description: 'The cost of the use.' }),
  }),
});

const DailyUsageType = builder.objectRef<UsageSummary['byDay'][number]>('DailyUsage').implement({
  description: 'The use of the sessions that started on one day.',
  fields: (t) => ({
    date: t.expose('date', { type: 'Date', description: 'The day in the billing time zone.' }),
    sessionCount: t.exposeInt('sessionCount', { description: 'The number of sessions started.' }),
    totalSeconds: t.exposeInt('totalSeconds', { description: 'The number of seconds used.' }),
    totalCost: t.expose('totalCost', { type: 'Decimal', description: 'The cost of the use.' }),
  }),
});

const UsageSummaryType = builder.objectRef<UsageSummary>('UsageSummary').implement({
  description:
    "The caller's use in one month. Running sessions count up to now, ended sessions by the records of the vendor once they are known.",
  fields: (t) => ({
    period: t.expose('period', { type: 'BillingPeriod', description: 'The calendar month of the summary.' }),
    currency: t.field({
      type: 'CurrencyCode',
      description: 'The currency of every amount of the summary.',
      resolve: (_summary, _args, { policy }) => policy.currency,
    }),
    sessionCount: t.exposeInt('sessionCount', { description: 'The number of sessions started.' }),
    completedCount: t.exposeInt('completedCount', {
      description: 'The number of sessions that ended without an error.',
    }),
    errorCount: t.exposeInt('errorCount', {
      description: 'The number of tokens and sessions that ended with an error.',
    }),
    successRate: t.float({
      nullable: true,
      description: '`completedCount` ÷ (`completedCount` + `errorCount`), from 0 to 1. Null if both are 0.',
      resolve: successRate,
    }),
    totalSeconds: t.exposeInt('totalSeconds', { description: 'The number of seconds used.' }),
    totalCost: t.expose('totalCost', { type: 'Decimal', description: 'The cost of the use.' }),
    wordsSpoken: t.exposeInt('wordsSpoken', {
      description: 'The number of words that avatars have spoken, as reported by clients.',
    }),
    messagesCount: t.exposeInt('messagesCount', {
      description: 'The number of messages exchanged, as reported by clients.',
    }),
    averageSessionSeconds: t.float({
      description: 'The average number of seconds per session started. 0 if none was started.',
      resolve: averageSessionSeconds,
    }),
    byAvatar: t.expose('byAvatar', { type: [AvatarUsageType], description: 'The use per avatar, highest cost first.' }),
    byDay: t.expose('byDay', {
      type: [DailyUsageType],
      description: 'The use per day, earliest first. Days without use are left out.',
    }),
  }),
});

builder.queryField('usageSummary', (t) =>
  t.field({
    type: UsageSummaryType,
    description: "The caller's use in a month: totals, and breakdowns per avatar and per day.",
    args: { period: t.arg({ type: 'BillingPeriod', description: 'The month. The current month if omitted.' }) },
    resolve: (_root, { period }, context) =>
      context.usage.summary(context.caller.userId, period ?? currentPeriod(context)),
  }),
);

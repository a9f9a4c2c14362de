import { z } from 'zod';
import { moneyToNumber } from '../../../domain/money.ts';
import {
  averageSessionSeconds,
  successRate,
  type UsageSummary,
  type UsageTotals,
} from '../../../domain/usage-summary.ts';
import { period } from '../../../inputs/fields.ts';
import { component, cost, wholeNumber } from '../schemas.ts';

const totals = {
  session_count: wholeNumber.describe('The number of sessions started.'),
  total_seconds: wholeNumber.describe('The number of seconds streamed.'),
  total_cost: cost.describe('The cost of the seconds streamed, in the currency of the deployment.'),
};

const avatarUsageSchema = component(
  'AvatarUsage',
  'The use of one avatar.',
  { avatar_name: z.string().describe('The name of the avatar.'), ...totals },
  { avatar_name: 'anna', session_count: 5, total_seconds: 2100, total_cost: 17.5 },
);

const dailyUsageSchema = component(
  'DailyUsage',
  'The use of the sessions that started on one day.',
  { date: z.iso.date().describe('The day in the billing time zone.'), ...totals },
  { date: '2026-11-24', session_count: 2, total_seconds: 870, total_cost: 7.25 },
);

export const usageSummarySchema = component(
  'UsageSummary',
  'The totals of one calendar month, by avatar and by day. They include running sessions up to now.',
  {
    period: period.describe('The calendar month in the billing time zone.'),
    currency: z.string().describe('The currency of all costs: an ISO 4217 code, such as USD.'),
    ...totals,
    completed_count: wholeNumber.describe('The number of sessions that ended without an error.'),
    error_count: wholeNumber.describe('The number of tokens and sessions that ended with an error.'),
    success_rate: z
      .number()
      .nullable()
      .describe('The share of sessions that ended without an error, from 0 to 1. Null before any has ended.'),
    words_spoken: wholeNumber.describe('The number of words spoken by avatars, as reported by clients.'),
    messages_count: wholeNumber.describe('The number of messages exchanged, as reported by clients.'),
    average_session_seconds: z
      .number()
      .describe('The average duration of a session in seconds. 0 before any has started.'),
    by_avatar: z.array(avatarUsageSchema).describe('The use of each avatar, highest cost first.'),
    by_day: z.array(dailyUsageSchema).describe('The use of each day with sessions, earliest first.'),
  },
  {
    period: '2026-11',
    currency: 'USD',
    session_count: 7,
    total_seconds: 2910,
    total_cost: 24.25,
    completed_count: 6,
    error_count: 1,
    success_rate: 0.8571428571428571,
    words_spoken: 4180,
    messages_count: 96,
    average_session_seconds: 415.7142857142857,
    by_avatar: [
      { avatar_name: 'anna', session_count: 5, total_seconds: 2100, total_cost: 17.5 },
      { avatar_name: 'marcus', session_count: 2, total_seconds: 810, total_cost: 6.75 },
    ],
    by_day: [
      { date: '2026-11-21', session_count: 5, total_seconds: 2040, total_cost: 17 },
      { date: '2026-11-24', session_count: 2, total_seconds: 870, total_cost: 7.25 },
    ],
  },
);

export function usageSummaryShape(summary: UsageSummary, currency: string): z.infer<typeof usageSummarySchema> {
  return {
    period: summary.period,
    currency,
    ...totalsShape(summary),
    completed_count: summary.completedCount,
    error_count: summary.errorCount,
    success_rate: successRate(summary),
    words_spoken: summary.wordsSpoken,
    messages_count: summary.messagesCount,
    average_session_seconds: averageSessionSeconds(summary),
    by_avatar: summary.byAvatar.map((use) => ({ avatar_name: use.avatarName, ...totalsShape(use) })),
    by_day: summary.byDay.map((use) => ({ date: use.date, ...totalsShape(use) })),
  };
}

function totalsShape({ sessionCount, totalSeconds, totalCost }: UsageTotals) {
  return { session_count: sessionCount, total_seconds: totalSeconds, total_cost: moneyToNumber(totalCost) };
}

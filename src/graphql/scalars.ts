import { GraphQLError } from 'graphql';
import { formatMoney, parseMoney } from '../domain/money.ts';
import { parsePeriod } from '../domain/period.ts';
import { PERIOD_FORM } from '../inputs/fields.ts';
import { builder } from './builder.ts';

const RFC_3339 = /^(\d{4}-\d{2}-\d{2})T([01]\d|2[0-3]):\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/i;
const YEAR_ONE = Date.parse('0001-01-01T00:00:00Z');

builder.scalarType('DateTime', {
  description: 'An instant: RFC 3339, UTC, milliseconds, such as `2026-11-24T09:30:00.000Z`.',
  serialize: (value) => value.toISOString(),
  parseValue: (value) => {
    const instant = typeof value === 'string' ? parseInstant(value) : null;
    if (instant) return instant;
    throw invalid('An instant must look like 2026-11-24T09:30:00Z.');
  },
});

builder.scalarType('Decimal', {
  description: 'An exact decimal number as a string, such as `23.50`. Amounts are in the deployment’s currency.',
  serialize: (value) => formatMoney(value),
  parseValue: (value) => {
    try {
      return parseMoney(String(value));
    } catch {
      throw invalid('A decimal must look like "23.50", with at most six decimals.');
    }
  },
});

builder.scalarType('BillingPeriod', {
  description: 'A calendar month in the billing time zone, such as `2026-11`.',
  serialize: (value) => value,
  parseValue: (value) => {
    const period = typeof value === 'string' ? parsePeriod(value) : null;
    if (period) return period;
    throw invalid(PERIOD_FORM);
  },
});

/** Null for what is no instant of RFC 3339, or one before the year 1, which PostgreSQL does not take. */
function parseInstant(text: string): Date | null {
  const [, day] = RFC_3339.exec(text) ?? [];
  return day && isDay(day) && Date.parse(text) >= YEAR_ONE ? new Date(text) : null;
}

/** `Date` takes February 30 for March 2. */
function isDay(day: string): boolean {
  const midnight = new Date(day);
  return !Number.isNaN(midnight.getTime()) && midnight.toISOString().startsWith(day);
}

/** A GraphQLError, so that the executor adds to these words only where in the request the value stands. */
function invalid(message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'BAD_USER_INPUT' } });
}

import { GraphQLError, type ValueNode, valueFromASTUntyped } from 'graphql';
import { GraphQLDateTimeISO, GraphQLLocalDate } from 'graphql-scalars';
import { formatMoney, parseMoney } from '../domain/money.ts';
import { parsePeriod } from '../domain/period.ts';
import { PERIOD_FORM } from '../inputs/fields.ts';
import { builder } from './builder.ts';

builder.scalarType('DateTime', {
  description: 'An instant as an RFC 3339 timestamp in UTC with milliseconds, such as `2026-11-24T09:30:00.000Z`.',
  specifiedByURL: 'https://scalars.graphql.org/andimarek/date-time.html',
  serialize: (value) => GraphQLDateTimeISO.serialize(value),
  // The library's errors do not say what to pass, and it accepts the year 0000, which PostgreSQL cannot store.
  ...parsedBy((value) => {
    const instant = attempt(() => GraphQLDateTimeISO.parseValue(value));
    return instant && instant >= YEAR_ONE ? instant : null;
  }, 'Invalid timestamp. Pass an RFC 3339 timestamp with a UTC offset, such as 2026-11-24T09:30:00Z.'),
});

/** The earliest instant that both RFC 3339 can write and PostgreSQL can store. */
const YEAR_ONE = new Date('0001-01-01T00:00:00Z');

builder.addScalarType('Date', GraphQLLocalDate, {
  description: 'A calendar day in the billing time zone, such as `2026-11-24`.',
  specifiedByURL: 'https://scalars.graphql.org/andimarek/local-date.html',
});

builder.scalarType('Decimal', {
  description: 'An exact decimal number as a string with two to six decimals, such as `23.50` or `0.008333`.',
  specifiedByURL: 'https://www.w3.org/TR/xmlschema-2/#decimal',
  serialize: (value) => formatMoney(value),
  ...parsedBy(
    (value) => attempt(() => parseMoney(String(value))),
    'Invalid decimal. Pass a string with at most six decimals, such as "23.50".',
  ),
});

builder.scalarType('BillingPeriod', {
  description: 'A calendar month in the billing time zone, from `2000-01` to `9999-11`, such as `2026-11`.',
  specifiedByURL: 'https://www.w3.org/TR/xmlschema-2/#gYearMonth',
  serialize: (value) => value,
  ...parsedBy((value) => (typeof value === 'string' ? parsePeriod(value) : null), PERIOD_FORM),
});

// Not the library's Currency: a code that its list does not have would fail in every response.
builder.scalarType('CurrencyCode', {
  description: 'An ISO 4217 currency code, such as `USD`.',
  specifiedByURL: 'https://www.iso.org/iso-4217-currency-codes.html',
  serialize: (value) => value,
});

function attempt<Value>(parse: () => Value): Value | null {
  try {
    return parse();
  } catch {
    return null;
  }
}

/**
 * Parsing for a scalar, with the message for a value that cannot be parsed. A literal's node goes into the error: the
 * validator adds none to the error of a scalar.
 */
function parsedBy<Value>(parse: (value: unknown) => Value | null, message: string) {
  const parseValue = (value: unknown, nodes?: ValueNode): Value => {
    const parsed = parse(value);
    if (parsed !== null) return parsed;
    throw new GraphQLError(message, { nodes, extensions: { code: 'BAD_USER_INPUT' } });
  };
  return {
    parseValue: (value: unknown) => parseValue(value),
    parseLiteral: (node: ValueNode) => parseValue(valueFromASTUntyped(node), node),
  };
}

import type pg from 'pg';
import { formatMoney, parseMoney } from '../domain/money.ts';
import type { QuotaPolicy } from '../domain/policy.ts';
import type { DatedPrice, Price } from '../domain/price.ts';
import { everyThreshold } from '../domain/thresholds.ts';
import { toPublicError } from './errors.ts';

interface PriceKey {
  readonly vendor: string;
  readonly vendorMode: string;
}

/** As hold_tokens takes it: over the time in which a token of now and its session can live. */
const READ_DEAREST_PRICES = `
SELECT dearest.per_minute::text, dearest.billing_step_seconds, dearest.minimum_seconds
FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS call (vendor, mode, position)
CROSS JOIN LATERAL dearest_price(
  call.vendor, call.mode, $3, fallback_price(call.vendor, call.mode, $3, $4, $7), $5,
  $5::timestamptz + make_interval(secs => $6)
) AS dearest
ORDER BY call.position`;

const READ_CURRENT_PRICES = `
SELECT price.per_minute::text, price.billing_step_seconds, price.minimum_seconds
FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS call (vendor, mode, position)
CROSS JOIN LATERAL price_at(
  call.vendor, call.mode, $3, fallback_price(call.vendor, call.mode, $3, $4, $6), $5
) AS price
ORDER BY call.position`;

interface PriceRow {
  per_minute: string;
  billing_step_seconds: number;
  minimum_seconds: number;
}

/** The dearest price that can apply to a session whose token is asked for now, in the order of the keys. */
export async function readDearestPrices(
  pool: pg.Pool,
  keys: readonly PriceKey[],
  policy: QuotaPolicy,
  now: Date,
): Promise<Price[]> {
  const { rows } = await pool.query<PriceRow>({
    name: 'read_dearest_prices',
    text: READ_DEAREST_PRICES,
    values: [
      keys.map((key) => key.vendor),
      keys.map((key) => key.vendorMode),
      policy.currency,
      formatMoney(policy.pricePerMinute),
      now,
      policy.tokenTtlSeconds + policy.maxSessionSeconds,
      policy.priceIsSet,
    ],
  });
  return rows.map(toPrice);
}

/** The price in force at a moment, in the order of the keys. */
export async function readCurrentPrices(
  pool: pg.Pool,
  keys: readonly PriceKey[],
  policy: QuotaPolicy,
  now: Date,
): Promise<Price[]> {
  const { rows } = await pool.query<PriceRow>({
    name: 'read_current_prices',
    text: READ_CURRENT_PRICES,
    values: [
      keys.map((key) => key.vendor),
      keys.map((key) => key.vendorMode),
      policy.currency,
      formatMoney(policy.pricePerMinute),
      now,
      policy.priceIsSet,
    ],
  });
  return rows.map(toPrice);
}

/** Every dated price, by vendor and mode, the oldest first. */
export async function listPrices(pool: pg.Pool): Promise<DatedPrice[]> {
  const { rows } = await pool.query<PriceRow & Omit<DatedPrice, keyof Price>>(`
    SELECT vendor, mode AS "vendorMode", currency, effective_from AS "effectiveFrom", per_minute::text,
      is_list AS "isList", billing_step_seconds, minimum_seconds
    FROM prices ORDER BY vendor, mode, currency, effective_from`);
  return rows.map(({ vendor, vendorMode, currency, effectiveFrom, isList, ...row }) => {
    return { vendor, vendorMode, currency, effectiveFrom, isList, ...toPrice(row) };
  });
}

/**
 * Enters a price, or another one for the same moment. Open tokens and sessions follow; what is settled stays as it is.
 * Returns how many of them there were.
 *
 * @throws ServiceUnavailableError when the database cannot be asked, or their locks are not to be had within a second
 */
export async function enterPrice(
  pool: pg.Pool,
  price: Omit<DatedPrice, 'isList'>,
  policy: QuotaPolicy,
  now: Date,
): Promise<number> {
  const values = [
    now,
    price.vendor,
    price.vendorMode,
    price.currency,
    price.effectiveFrom,
    formatMoney(price.perMinute),
    price.billingStepSeconds,
    price.minimumSeconds,
    everyThreshold(policy.thresholds),
  ];
  try {
    const { rows } = await pool.query<{ followed: number }>(
      'SELECT enter_price($1, $2, $3, $4, $5, $6, $7, $8, $9) AS followed',
      values,
    );
    return rows[0]?.followed ?? 0;
  } catch (error) {
    throw toPublicError(error);
  }
}

function toPrice(row: PriceRow): Price {
  return {
    perMinute: parseMoney(row.per_minute),
    billingStepSeconds: row.billing_step_seconds,
    minimumSeconds: row.minimum_seconds,
  };
}

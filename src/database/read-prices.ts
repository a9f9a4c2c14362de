import type pg from 'pg';
import { formatMoney, parseMoney } from '../domain/money.ts';
import type { QuotaPolicy } from '../domain/policy.ts';
import type { Price } from '../domain/price.ts';

interface PriceKey {
  readonly vendor: string;
  readonly vendorMode: string;
}

/** As hold_tokens takes it: over the time in which a token of now and its session can live. */
const READ_DEAREST_PRICES = `
SELECT dearest.per_minute::text, dearest.billing_step_seconds, dearest.minimum_seconds
FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS call (vendor, mode, position)
CROSS JOIN LATERAL dearest_price(
  call.vendor, call.mode, $3, $4::numeric, $5, $5::timestamptz + make_interval(secs => $6)
) AS dearest
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
    ],
  });
  return rows.map((row) => ({
    perMinute: parseMoney(row.per_minute),
    billingStepSeconds: row.billing_step_seconds,
    minimumSeconds: row.minimum_seconds,
  }));
}

import type pg from 'pg';
import { formatMoney, parseMoney } from '../domain/money.ts';
import type { DatedPrice, Price } from '../domain/price.ts';
import type { StoredPrice } from '../domain/price-book.ts';
import { toPublicError } from './errors.ts';

interface PriceRow {
  per_minute: string;
  billing_step_seconds: number;
  minimum_seconds: number;
}

/** Every dated price, by vendor and mode, the oldest first. In SQL, since decisions read them on the pool that they load with. */
export async function readPrices(pool: Pick<pg.Pool, 'query'>): Promise<StoredPrice[]> {
  const { rows } = await pool.query<PriceRow & Omit<StoredPrice, keyof Price>>(`
    SELECT vendor, mode AS "vendorMode", currency, effective_from AS "effectiveFrom", per_minute::text,
      is_list AS "isList", billing_step_seconds, minimum_seconds, revision::float8 AS revision
    FROM prices ORDER BY vendor, mode, currency, effective_from`);
  return rows.map(({ vendor, vendorMode, currency, effectiveFrom, isList, revision, ...row }) => {
    return { vendor, vendorMode, currency, effectiveFrom, isList, revision, ...toPrice(row) };
  });
}

/** Enters a price, or another one for the same moment, and wakes the sweepers. Returns the open records that will follow. */
const ENTER_PRICE = `
WITH entered AS (
  INSERT INTO prices (vendor, mode, currency, effective_from, per_minute, billing_step_seconds, minimum_seconds)
  VALUES ($1, $2, $3, $4, $5, $6, $7)
  ON CONFLICT (vendor, mode, currency, effective_from) DO UPDATE SET
    per_minute = excluded.per_minute,
    billing_step_seconds = excluded.billing_step_seconds,
    minimum_seconds = excluded.minimum_seconds,
    is_list = false,
    revision = nextval('price_revision')
)
SELECT count(*)::integer AS followers, pg_notify('quota_due', '0')
FROM avatar_usage_records
WHERE end_reason IS NULL AND vendor = $1 AND vendor_mode = $2 AND currency = $3`;

/**
 * Enters a price, or another one for the same moment. It is in force at once for new tokens; open tokens and sessions follow
 * with the next sweep. What is settled stays as it is. Returns how many of them there are.
 *
 * @throws ServiceUnavailableError when the database cannot be asked
 */
export async function enterPrice(pool: pg.Pool, price: Omit<DatedPrice, 'isList'>): Promise<number> {
  try {
    const { rows } = await pool.query<{ followers: number }>(ENTER_PRICE, [
      price.vendor,
      price.vendorMode,
      price.currency,
      price.effectiveFrom,
      formatMoney(price.perMinute),
      price.billingStepSeconds,
      price.minimumSeconds,
    ]);
    return rows[0]?.followers ?? 0;
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

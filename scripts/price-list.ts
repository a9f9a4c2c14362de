import { formatMoney } from '../src/domain/money.ts';
import type { QuotaPolicy } from '../src/domain/policy.ts';
import type { DatedPrice } from '../src/domain/price.ts';
import { formatTable } from './table.ts';

export type EnteredPrice = Omit<DatedPrice, 'isList'>;

/** A price in words, without a period at the end. */
export function describePrice({ vendor, vendorMode, currency, effectiveFrom, ...price }: EnteredPrice): string {
  const { perMinute, billingStepSeconds, minimumSeconds } = price;
  return [
    `${vendor} ${vendorMode} at ${formatMoney(perMinute)} ${currency} per minute from ${effectiveFrom.toISOString()}`,
    ...(billingStepSeconds > 1 ? [`billed in steps of ${billingStepSeconds} s`] : []),
    ...(minimumSeconds > 0 ? [`at least ${minimumSeconds} s per session`] : []),
  ].join(', ');
}

/** The prices as the operator reads them, and what applies in addition. */
export function formatPrices(
  prices: readonly DatedPrice[],
  { currency, pricePerMinute, priceIsSet }: Pick<QuotaPolicy, 'currency' | 'pricePerMinute' | 'priceIsSet'>,
): string {
  const fallback = `${formatMoney(pricePerMinute)} ${currency} per minute (${priceIsSet ? 'PRICE_PER_MINUTE' : 'the default'})`;
  const applicable = prices.filter(({ isList }) => !isList || !priceIsSet);
  if (applicable.length === 0) return `There are no dated prices. Every session costs ${fallback}.`;
  return [
    ...formatTable(
      [
        ['Vendor', 'Mode', 'Per minute', 'Step', 'Minimum', 'From', 'Source'],
        ...applicable.map((price) => [
          price.vendor,
          price.vendorMode,
          `${formatMoney(price.perMinute)} ${price.currency}`,
          `${price.billingStepSeconds} s`,
          `${price.minimumSeconds} s`,
          price.effectiveFrom.toISOString(),
          sourceOf(price, currency),
        ]),
      ],
      [2, 3, 4],
    ),
    '',
    `Sessions without a price above cost ${fallback}.`,
  ].join('\n');
}

function sourceOf(price: DatedPrice, currency: string): string {
  if (price.currency !== currency) return `not used, CURRENCY is ${currency}`;
  return price.isList ? 'list price of the vendor' : 'entered';
}

/**
 * Money as an exact integer: millionths of the deployment's currency.
 *
 * PostgreSQL stores the same amounts as numeric with six decimals.
 */
export type Micros = bigint;

const DECIMALS = 6;
const SCALE = 10n ** BigInt(DECIMALS);

/**
 * Reads an exact decimal such as `23.5`, `-0.000001` or `50`.
 *
 * @throws RangeError for anything else, more than six decimals included: money is never rounded silently.
 */
export function parseMoney(text: string): Micros {
  const match = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text);
  const fraction = match?.[3]?.replace(/0+$/, '') ?? '';
  if (!match || fraction.length > DECIMALS) {
    throw new RangeError(`"${text}" is not a decimal number with at most ${DECIMALS} decimals`);
  }
  const amount = BigInt(match[2] ?? '0') * SCALE + BigInt(fraction.padEnd(DECIMALS, '0'));
  return match[1] === '-' ? -amount : amount;
}

/** Writes an amount with two to six decimals: `23.50`, `0.008333`. */
export function formatMoney(amount: Micros): string {
  const digits = (amount < 0n ? -amount : amount).toString().padStart(DECIMALS + 1, '0');
  const whole = digits.slice(0, -DECIMALS);
  const fraction = digits.slice(-DECIMALS).replace(/0{1,4}$/, '');
  return `${amount < 0n ? '-' : ''}${whole}.${fraction}`;
}

/**
 * An amount as a number, to be shown: below a billion it is written with the very decimals of the amount, which are 15
 * significant digits at most.
 */
export function moneyToNumber(amount: Micros): number {
  return Number(formatMoney(amount));
}

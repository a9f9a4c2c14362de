import { z } from 'zod';
import { type Micros, parseMoney } from '../domain/money.ts';

/** Well below what a numeric(18, 6) column takes, so that sums fit as well. */
const LARGEST_AMOUNT = 1_000_000_000n;

/** A field whose value is what `parse` returns; undefined or an exception means that the text is not allowed. */
function parsed<T>(message: string, parse: (text: string) => T | undefined): z.ZodType<T, string> {
  return z.string().transform((text, context) => {
    const value = attempt(parse, text);
    if (value !== undefined) return value;
    context.addIssue(message);
    return z.NEVER;
  });
}

function attempt<T>(parse: (text: string) => T | undefined, text: string): T | undefined {
  try {
    return parse(text);
  } catch {
    return undefined;
  }
}

export function matching(pattern: RegExp, message: string): z.ZodType<string, string> {
  return z.string().regex(pattern, message);
}

export function oneOf<const T extends string>(values: readonly T[]): z.ZodType<T, string> {
  return parsed(`must be ${new Intl.ListFormat('en', { type: 'disjunction' }).format(values)}`, (text) =>
    values.find((value) => value === text),
  );
}

export function wholeNumber(min: number, max: number): z.ZodType<number, string> {
  return parsed(`must be a whole number from ${min} to ${max}`, (text) => {
    const value = Number(text);
    return /^\d+$/.test(text) && value >= min && value <= max ? value : undefined;
  });
}

export const SECONDS_PER_DAY = 86_400;

const UNIT_SECONDS = { s: 1, m: 60, h: 3600, d: SECONDS_PER_DAY };

/** A length of time such as `90s` or `7d`, in seconds. */
export function duration(minSeconds: number, maxDays: number): z.ZodType<number, string> {
  return parsed(`must be a duration such as 90s, 15m, 1h, or 7d, at most ${maxDays}d`, (text) => {
    const [, number, unit] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
    const length = Number(number) * UNIT_SECONDS[unit as keyof typeof UNIT_SECONDS];
    return length >= minSeconds && length <= maxDays * SECONDS_PER_DAY ? length : undefined;
  });
}

/** A length of time of a day at the most. */
export const seconds = wholeNumber(1, SECONDS_PER_DAY);

export const amount: z.ZodType<Micros, string> = parsed(
  `must be a decimal number from 0 to ${LARGEST_AMOUNT} with at most 6 decimals, such as 0.50`,
  (text) => {
    const value = parseMoney(text);
    return value >= 0n && value <= LARGEST_AMOUNT * 1_000_000n ? value : undefined;
  },
);

/** A user's limit of minutes per month. */
export const limitMinutes = wholeNumber(0, 10_000_000);

export const onOrOff: z.ZodType<boolean, string> = parsed('must be on or off (or true, false, 1, 0)', (text) => {
  if (/^(on|true|1)$/i.test(text)) return true;
  if (/^(off|false|0)$/i.test(text)) return false;
  return undefined;
});

/** Sorted, each once. */
export const percentages: z.ZodType<readonly number[], string> = parsed(
  'must be whole percentages from 1 to 100, separated by commas, such as 50,80,95',
  (text) => {
    const parts = text.split(',').map((part) => part.trim());
    if (!parts.every((part) => /^([1-9]\d?|100)$/.test(part))) return undefined;
    return [...new Set(parts.map(Number))].sort((a, b) => a - b);
  },
);

/** A time zone's name. Offsets such as `+02:00` are refused: PostgreSQL reads their sign the other way round. */
export const timeZone: z.ZodType<string, string> = parsed(
  'must be the IANA name of a time zone, such as Europe/Berlin',
  (text) => {
    new Intl.DateTimeFormat('en', { timeZone: text });
    return /^[A-Za-z]/.test(text) ? text : undefined;
  },
);

/** An http or https address to which paths can be appended: it ends without a slash. */
export const baseUrl: z.ZodType<string, string> = parsed(
  'must be an http or https address without credentials, query or fragment',
  (text) => (isPlainHttpUrl(text) && !/[?#]/.test(text) ? text.replace(/\/+$/, '') : undefined),
);

export const httpUrl: z.ZodType<string, string> = parsed(
  'must be an http or https address without credentials',
  (text) => (isPlainHttpUrl(text) ? text : undefined),
);

function isPlainHttpUrl(text: string): boolean {
  const url = new URL(text);
  return /^https?:$/.test(url.protocol) && url.username === '' && url.password === '';
}

/** A password with `/`, `?` or `#` as it is would be taken for the host and shown as such. */
export const postgresUrl: z.ZodType<string, string> = parsed(
  'must be an address such as postgresql://user:password@host:5432/database, with special characters of the password percent-encoded',
  (text) => {
    const { protocol, pathname, search, hash } = new URL(text);
    const isEncoded = !pathname.includes('@') && !/^\?[^=]*@/.test(search) && hash === '';
    return /^postgres(ql)?:$/.test(protocol) && text.includes('://') && isEncoded ? text : undefined;
  },
);

/** Origins exactly as browsers send them in the Origin header, each once. */
export const origins: z.ZodType<readonly string[], string> = parsed(
  'must be exact origins such as https://app.example.com or http://localhost:5173, separated by commas, without * or path',
  (text) => {
    const parts = text.split(',').map((part) => part.trim());
    return parts.every(isExactOrigin) ? [...new Set(parts)] : undefined;
  },
);

function isExactOrigin(text: string): boolean {
  const url = new URL(text);
  if (/^https?:$/.test(url.protocol)) return url.origin === text && !text.includes('*');
  // Web views of mobile apps have schemes of their own, such as capacitor://localhost.
  return /^[a-z][a-z0-9+.-]*:\/\/[a-z0-9.-]+(:\d+)?$/.test(text);
}

const KEY_BYTES = 32;

/** One key or, while keys are rotated, the new one and the old one. */
export const encryptionKeys: z.ZodType<readonly Uint8Array[], string> = parsed(
  `must be ${KEY_BYTES} bytes in base64, or two such keys, separated by a comma, while you rotate them`,
  (text) => {
    const keys = text.split(',').map((part) => part.trim());
    const isKey = (key: string) => /^[\w+/-]+=*$/.test(key) && Buffer.from(key, 'base64').length === KEY_BYTES;
    return keys.length <= 2 && keys.every(isKey) ? keys.map((key) => Buffer.from(key, 'base64')) : undefined;
  },
);

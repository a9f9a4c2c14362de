/** A calendar month in the billing time zone, `YYYY-MM`. Periods sort as text. */
export type BillingPeriod = string;

const DAY_MS = 24 * 60 * 60 * 1000;

/** Creating a formatter takes longer than thousands of uses of it. */
const formatters = new Map<string, Intl.DateTimeFormat>();

/** One day of a time zone: `name` is its date, `start` and `end` are milliseconds since 1970, the end excluded. */
type Day = { name: string; start: number; end: number };

/** The day last asked for in each time zone. Nearly every question is about now, and asking Intl takes microseconds. */
const lastDays = new Map<string, Day>();

/** Its end would be an instant of the year 10000, which RFC 3339 cannot write. */
const LAST_MONTH = '9999-12';

/** The form of a period. */
export const PERIOD_PATTERN = /^[2-9]\d{3}-(0[1-9]|1[0-2])$/;

/** Reads `YYYY-MM` from 2000-01 to 9999-11. Null for anything else. */
export function parsePeriod(text: string): BillingPeriod | null {
  return PERIOD_PATTERN.test(text) && text < LAST_MONTH ? text : null;
}

/**
 * The period an instant belongs to: the one for which `periodStart` ≤ instant < `periodEnd`.
 *
 * @throws RangeError for an unknown time zone or an invalid date.
 */
export function periodAt(instant: Date, timeZone: string): BillingPeriod {
  return dayAt(instant, timeZone).slice(0, -'-DD'.length);
}

/**
 * The first instant of the period: midnight of the 1st, or where the clock skips it, the first instant after the skip.
 *
 * @throws RangeError for an unknown time zone. Text from outside goes through `parsePeriod` first.
 */
export function periodStart(period: BillingPeriod, timeZone: string): Date {
  return new Date(startOfDay(Date.parse(period), timeZone));
}

/** The first instant after the period, which is the start of the next one. */
export function periodEnd(period: BillingPeriod, timeZone: string): Date {
  return periodStart(nextPeriod(period), timeZone);
}

export function nextPeriod(period: BillingPeriod): BillingPeriod {
  return shiftPeriod(period, 1);
}

export function previousPeriod(period: BillingPeriod): BillingPeriod {
  return shiftPeriod(period, -1);
}

/**
 * The day an instant belongs to, `YYYY-MM-DD` in the time zone.
 *
 * It is the date on the wall, with one exception: where the clock was set back over midnight, the new day, once begun,
 * stays. Thus a day is one unbroken stretch of time, and the days of a month add up to its period.
 *
 * @throws RangeError for an unknown time zone or an invalid date.
 */
export function dayAt(instant: Date, timeZone: string): string {
  const time = instant.getTime();
  let day = lastDays.get(timeZone);
  if (!(day && day.start <= time && time < day.end)) {
    day = findDay(time, timeZone);
    lastDays.set(timeZone, day);
  }
  return day.name;
}

function findDay(time: number, timeZone: string): Day {
  const wall = wallTime(time, timeZone);
  const midnight = Math.floor(wall / DAY_MS) * DAY_MS;
  const tomorrow = startOfDay(midnight + DAY_MS, timeZone);
  if (time < tomorrow) return { name: dateOf(midnight), start: startOfDay(midnight, timeZone), end: tomorrow };
  // The wall shows yesterday's date again.
  const end = startOfDay(midnight + 2 * DAY_MS, timeZone);
  return { name: dateOf(midnight + DAY_MS), start: tomorrow, end };
}

function dateOf(midnight: number): string {
  return new Date(midnight).toISOString().slice(0, -'THH:MM:SS.sssZ'.length);
}

function shiftPeriod(period: BillingPeriod, months: number): BillingPeriod {
  const date = new Date(period);
  date.setUTCMonth(date.getUTCMonth() + months);
  return date.toISOString().slice(0, -'-DDTHH:MM:SS.sssZ'.length);
}

/**
 * The first instant at which the wall shows the given midnight or later, both in milliseconds.
 *
 * Offsets from UTC lie between -12 and +14 hours, so the offsets one day before and one day after are those on both
 * sides of any change of the clock near midnight, and the answer lies between the two instants they point to.
 */
function startOfDay(midnight: number, timeZone: string): number {
  const before = midnight - offsetAt(midnight - DAY_MS, timeZone);
  const after = midnight - offsetAt(midnight + DAY_MS, timeZone);
  let tooEarly = Math.min(before, after);
  let reached = Math.max(before, after);
  // Midnight may come twice (Havana in November): the first one counts.
  if (wallTime(tooEarly, timeZone) >= midnight) return tooEarly;
  // From here on the clock does not go back; it may jump over midnight, at any moment in between.
  while (reached - tooEarly > 1) {
    const middle = Math.floor((tooEarly + reached) / 2);
    if (wallTime(middle, timeZone) >= midnight) reached = middle;
    else tooEarly = middle;
  }
  return reached;
}

function offsetAt(instant: number, timeZone: string): number {
  return wallTime(instant, timeZone) - instant;
}

/** What the wall shows at an instant, to the second, as the milliseconds at which a clock on UTC shows the same. */
function wallTime(instant: number, timeZone: string): number {
  const shown: Partial<Record<Intl.DateTimeFormatPartTypes, number>> = {};
  for (const { type, value } of formatterFor(timeZone).formatToParts(instant)) shown[type] = Number(value);
  const { year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0 } = shown;
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

function formatterFor(timeZone: string): Intl.DateTimeFormat {
  let formatter = formatters.get(timeZone);
  if (!formatter) {
    formatter = new Intl.DateTimeFormat('en-US', {
      timeZone,
      calendar: 'gregory',
      numberingSystem: 'latn',
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
    formatters.set(timeZone, formatter);
  }
  return formatter;
}

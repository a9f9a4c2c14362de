import { Temporal } from 'temporal-polyfill';

/** A calendar month in the billing time zone, `YYYY-MM`. Periods sort as text. */
export type BillingPeriod = string;

/** A day or a month of a time zone, from `start` up to but excluding `end`, in milliseconds since 1970. */
interface Stretch {
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

/** The stretch last asked for in each time zone. Nearly every question is about now, and Temporal takes microseconds. */
type LastStretches = Map<string, Stretch>;

const lastDays: LastStretches = new Map();
const lastMonths: LastStretches = new Map();

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
  return stretchAt(lastMonths, instant, timeZone, findMonth);
}

/**
 * The first instant of the period: midnight of the 1st, or, if the clock skips midnight, the first instant after the skip.
 *
 * @throws RangeError for an unknown time zone. Parse external text with `parsePeriod` first.
 */
export function periodStart(period: BillingPeriod, timeZone: string): Date {
  return new Date(startOfDay(Temporal.PlainYearMonth.from(period).toPlainDate({ day: 1 }), timeZone));
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

/** Six times as fast as `Temporal.PlainYearMonth`. An account with a ceiling asks several times per decision. */
function shiftPeriod(period: BillingPeriod, months: number): BillingPeriod {
  const date = new Date(period);
  date.setUTCMonth(date.getUTCMonth() + months);
  return date.toISOString().slice(0, -'-DDTHH:MM:SS.sssZ'.length);
}

/**
 * The day an instant belongs to, `YYYY-MM-DD` in the time zone.
 *
 * It is the local date, with one exception: once a day has begun, it continues even if the clock is set back over
 * midnight. A day is therefore one unbroken stretch of time, and the days of a month add up to its period.
 *
 * @throws RangeError for an unknown time zone or an invalid date.
 */
export function dayAt(instant: Date, timeZone: string): string {
  return stretchAt(lastDays, instant, timeZone, findDay);
}

function stretchAt(
  last: LastStretches,
  instant: Date,
  timeZone: string,
  find: (time: number, timeZone: string) => Stretch,
): string {
  const time = instant.getTime();
  let stretch = last.get(timeZone);
  if (!(stretch && stretch.start <= time && time < stretch.end)) {
    stretch = find(time, timeZone);
    last.set(timeZone, stretch);
  }
  return stretch.name;
}

function findMonth(time: number, timeZone: string): Stretch {
  const name = findDay(time, timeZone).name.slice(0, -'-DD'.length);
  return {
    name,
    start: periodStart(name, timeZone).getTime(),
    end: periodEnd(name, timeZone).getTime(),
  };
}

function findDay(time: number, timeZone: string): Stretch {
  const localDate = Temporal.Instant.fromEpochMilliseconds(time).toZonedDateTimeISO(timeZone).toPlainDate();
  const tomorrow = localDate.add({ days: 1 });
  // After the clock was set back over midnight, the local date is yesterday's although the next day has begun.
  const day = time < startOfDay(tomorrow, timeZone) ? localDate : tomorrow;
  return {
    name: day.toString(),
    start: startOfDay(day, timeZone),
    end: startOfDay(day.add({ days: 1 }), timeZone),
  };
}

/** The first midnight of a day whose midnight comes twice, as in Havana in November. */
function startOfDay(day: Temporal.PlainDate, timeZone: string): number {
  return day.toZonedDateTime(timeZone).epochMilliseconds;
}

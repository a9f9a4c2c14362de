import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  dayAt,
  nextPeriod,
  parsePeriod,
  periodAt,
  periodEnd,
  periodStart,
  previousPeriod,
} from '../../../src/domain/period.ts';

const anyTimeZone = fc.constantFrom('UTC', ...Intl.supportedValuesOf('timeZone'));
const anyInstant = fc.date({
  min: new Date('2000-01-02T00:00:00Z'),
  max: new Date('2100-01-01T00:00:00Z'),
  noInvalidDate: true,
});
const anyPeriod = fc
  .tuple(fc.integer({ min: 2000, max: 2100 }), fc.integer({ min: 1, max: 12 }))
  .map(([year, month]) => `${year}-${String(month).padStart(2, '0')}`);
const runs = { numRuns: 2000 };

function earlier(instant: Date, milliseconds: number): Date {
  return new Date(instant.getTime() - milliseconds);
}

/** The date a person in the zone reads off the wall, found without the code under test. */
function wallDate(instant: Date, timeZone: string): string {
  return instant.toLocaleDateString('sv-SE', { timeZone });
}

describe('parsePeriod', () => {
  test.each(['2000-01', '2026-12', '9999-11'])('reads %s', (text) => {
    expect(parsePeriod(text)).toBe(text);
  });

  test.each([
    '',
    '1999-12',
    '9999-12',
    '10000-01',
    '2026-00',
    '2026-13',
    '2026-1',
    '2026',
    '2026-01-01',
    ' 2026-01',
    '2026-01\n',
    '２０２６-01',
  ])('refuses %j', (text) => {
    expect(parsePeriod(text)).toBeNull();
  });
});

describe('the neighbours of a period', () => {
  test('cross the year', () => {
    expect(nextPeriod('2026-12')).toBe('2027-01');
    expect(previousPeriod('2027-01')).toBe('2026-12');
  });

  test('are each other’s inverse, and sort as text', () => {
    fc.assert(
      fc.property(anyPeriod, (period) => {
        expect(previousPeriod(nextPeriod(period))).toBe(period);
        expect(nextPeriod(period) > period).toBe(true);
        expect(parsePeriod(nextPeriod(period))).toBe(nextPeriod(period));
      }),
    );
  });
});

describe('periodStart', () => {
  test.each([
    ['2026-01', 'UTC', '2026-01-01T00:00:00.000Z'],
    ['2026-01', 'Europe/Berlin', '2025-12-31T23:00:00.000Z'],
    ['2026-07', 'Europe/Berlin', '2026-06-30T22:00:00.000Z'],
    ['2026-01', 'America/New_York', '2026-01-01T05:00:00.000Z'],
    ['2026-01', 'Asia/Kathmandu', '2025-12-31T18:15:00.000Z'],
    ['2026-01', 'Pacific/Kiritimati', '2025-12-31T10:00:00.000Z'],
    ['2026-01', 'Pacific/Niue', '2026-01-01T11:00:00.000Z'],
  ])('of %s in %s is local midnight', (period, timeZone, start) => {
    expect(periodStart(period, timeZone).toISOString()).toBe(start);
  });

  test.each([
    ['summer time in New Zealand', 'Pacific/Auckland', '2026-04', '2026-03-31T11:00:00.000Z'],
    ['winter time in New Zealand', 'Pacific/Auckland', '2026-05', '2026-04-30T12:00:00.000Z'],
    ['45 minutes and summer time on the Chatham Islands', 'Pacific/Chatham', '2026-01', '2025-12-31T10:15:00.000Z'],
    ['the last summer time in São Paulo', 'America/Sao_Paulo', '2018-12', '2018-12-01T02:00:00.000Z'],
    ['no summer time in São Paulo any more', 'America/Sao_Paulo', '2019-12', '2019-12-01T03:00:00.000Z'],
    ['Ramadan in Morocco, when the clock goes back', 'Africa/Casablanca', '2024-04', '2024-04-01T00:00:00.000Z'],
    ['Morocco after Ramadan', 'Africa/Casablanca', '2024-05', '2024-04-30T23:00:00.000Z'],
    ['Samoa two days after it skipped one', 'Pacific/Apia', '2012-01', '2011-12-31T10:00:00.000Z'],
  ])('knows %s', (_case, timeZone, period, start) => {
    expect(periodStart(period, timeZone).toISOString()).toBe(start);
  });

  test.each([
    ['Asia/Damascus', '2003-04', '2003-03-31T22:00:00.000Z'],
    ['America/Asuncion', '2017-10', '2017-10-01T04:00:00.000Z'],
    ['Africa/Cairo', '2014-08', '2014-07-31T22:00:00.000Z'],
  ])('is the first instant of the day where %s has no midnight in %s', (timeZone, period, start) => {
    expect(periodStart(period, timeZone).toISOString()).toBe(start);
    expect(periodStart(period, timeZone).toLocaleTimeString('sv-SE', { timeZone })).toBe('01:00:00');
  });

  test('is the first of two midnights where the clock is set back to midnight', () => {
    expect(periodStart('2020-11', 'America/Havana').toISOString()).toBe('2020-11-01T04:00:00.000Z');
  });

  test('throws for an unknown time zone', () => {
    expect(() => periodStart('2026-01', 'Mars/Olympus')).toThrow(RangeError);
  });

  test('is on the 1st, and the millisecond before is not, in every time zone', () => {
    fc.assert(
      fc.property(anyPeriod, anyTimeZone, (period, timeZone) => {
        const start = periodStart(period, timeZone);
        expect(wallDate(start, timeZone)).toBe(`${period}-01`);
        expect(wallDate(earlier(start, 1), timeZone)).toMatch(new RegExp(`^${previousPeriod(period)}`));
      }),
      runs,
    );
  });
});

describe('periodEnd', () => {
  test('is the start of the next period', () => {
    expect(periodEnd('2026-10', 'Europe/Berlin').toISOString()).toBe('2026-10-31T23:00:00.000Z');
  });

  test('exists for the last period there is', () => {
    expect(periodEnd('9999-12', 'UTC').getTime()).toBe(Date.UTC(10_000, 0, 1));
  });

  test('leaves no gap and no overlap between periods, in every time zone', () => {
    fc.assert(
      fc.property(anyPeriod, anyTimeZone, (period, timeZone) => {
        const next = nextPeriod(period);
        expect(periodEnd(period, timeZone)).toEqual(periodStart(next, timeZone));
        expect(periodStart(period, timeZone) < periodStart(next, timeZone)).toBe(true);
      }),
      runs,
    );
  });
});

describe('periodAt', () => {
  test('follows the billing time zone, not UTC', () => {
    const instant = new Date('2026-02-01T02:00:00Z');
    expect(periodAt(instant, 'UTC')).toBe('2026-02');
    expect(periodAt(instant, 'America/New_York')).toBe('2026-01');
    expect(periodAt(earlier(instant, 3 * 60 * 60 * 1000), 'Asia/Kathmandu')).toBe('2026-02');
  });

  test('never returns to an earlier period when the clock is set back over midnight', () => {
    const newMonth = new Date('2009-11-01T02:30:30Z');
    const setBack = new Date('2009-11-01T02:31:00Z');
    expect(wallDate(newMonth, 'America/St_Johns')).toBe('2009-11-01');
    expect(wallDate(setBack, 'America/St_Johns')).toBe('2009-10-31');
    expect(periodAt(newMonth, 'America/St_Johns')).toBe('2009-11');
    expect(periodAt(setBack, 'America/St_Johns')).toBe('2009-11');
  });

  test('throws for an invalid date', () => {
    expect(() => periodAt(new Date(Number.NaN), 'UTC')).toThrow(RangeError);
  });

  test('lies between the start and the end, at any instant in every time zone', () => {
    fc.assert(
      fc.property(anyInstant, anyTimeZone, (instant, timeZone) => {
        const period = periodAt(instant, timeZone);
        expect(periodStart(period, timeZone) <= instant).toBe(true);
        expect(instant < periodEnd(period, timeZone)).toBe(true);
      }),
      runs,
    );
  });

  test('changes exactly at the start, in every time zone', () => {
    fc.assert(
      fc.property(anyPeriod, anyTimeZone, (period, timeZone) => {
        const start = periodStart(period, timeZone);
        expect(periodAt(start, timeZone)).toBe(period);
        expect(periodAt(earlier(start, 1), timeZone)).toBe(previousPeriod(period));
        expect(periodAt(earlier(periodEnd(period, timeZone), 1), timeZone)).toBe(period);
      }),
      runs,
    );
  });
});

describe('dayAt', () => {
  test('follows the time zone', () => {
    const instant = new Date('2026-03-01T00:30:00Z');
    expect(dayAt(instant, 'UTC')).toBe('2026-03-01');
    expect(dayAt(instant, 'America/Sao_Paulo')).toBe('2026-02-28');
    expect(dayAt(instant, 'Pacific/Auckland')).toBe('2026-03-01');
  });

  test('keeps a new day that has begun when the clock is set back by three hours', () => {
    const timeZone = 'Antarctica/Casey';
    expect(dayAt(new Date('2010-03-04T12:59:59.999Z'), timeZone)).toBe('2010-03-04');
    expect(dayAt(new Date('2010-03-04T13:00:00Z'), timeZone)).toBe('2010-03-05');
    expect(wallDate(new Date('2010-03-04T15:30:00Z'), timeZone)).toBe('2010-03-04');
    expect(dayAt(new Date('2010-03-04T15:30:00Z'), timeZone)).toBe('2010-03-05');
    expect(dayAt(new Date('2010-03-05T15:59:59.999Z'), timeZone)).toBe('2010-03-05');
    expect(dayAt(new Date('2010-03-05T16:00:00Z'), timeZone)).toBe('2010-03-06');
  });

  test('is a day of the instant’s period', () => {
    fc.assert(
      fc.property(anyInstant, anyTimeZone, (instant, timeZone) => {
        expect(dayAt(instant, timeZone).slice(0, 7)).toBe(periodAt(instant, timeZone));
      }),
      runs,
    );
  });

  test('never goes back, whatever was asked before', () => {
    const anyStep = fc.integer({ min: 1, max: 30 * 60 * 60 * 1000 });
    fc.assert(
      fc.property(anyInstant, anyStep, anyTimeZone, (instant, step, timeZone) => {
        const later = dayAt(instant, timeZone);
        const sooner = dayAt(earlier(instant, step), timeZone);
        expect(sooner <= later).toBe(true);
        expect(dayAt(instant, timeZone)).toBe(later);
      }),
      runs,
    );
  });
});

import fc from 'fast-check';
import {
  BAD_AVATARS,
  BAD_COUNTS,
  BAD_CURSORS,
  BAD_ERROR_MESSAGES,
  BAD_ID_LISTS,
  BAD_IDS,
  BAD_INSTANTS,
  BAD_NAMES,
  BAD_PAGE_SIZES,
  BAD_PERIODS,
  BAD_STATUSES,
  type BadValues,
} from './bad-values.ts';

const STATUSES = ['RESERVED', 'ACTIVE', 'COMPLETED', 'ERROR', 'EXPIRED'];

const fraction = fc.double({ noInteger: true, noNaN: true, noDefaultInfinity: true });
const notText = fc.oneof(fc.boolean(), fraction, fc.array(fc.string()), fc.dictionary(fc.string(), fc.jsonValue()));
const notStorable = fc
  .string()
  .chain((text) => fc.constantFrom(`${text}\0`, `\0${text}`, `${text}\ud800`, `\udfff${text}`));
const name = fc.oneof(notText, notStorable, fc.string({ minLength: 256, maxLength: 1000 }));
const count = fc.oneof(
  fc.integer({ max: -1 }),
  fc.integer({ min: 2 ** 31, max: Number.MAX_SAFE_INTEGER }),
  fraction,
  fc.string(),
  fc.boolean(),
  fc.array(fc.nat()),
);
const month = fc.tuple(
  fc.integer({ min: 0, max: 99_999 }),
  fc.oneof(fc.constant(0), fc.integer({ min: 13, max: 999 })),
);
const instant = month.map(([year, wrong]) => `${String(year).padStart(4, '0')}-${wrong}-01T00:00:00Z`);

const GENERATED = new Map<BadValues, fc.Arbitrary<unknown>>([
  [BAD_IDS, notText],
  [BAD_ID_LISTS, fc.array(notText, { minLength: 1 })],
  [BAD_NAMES, name],
  [BAD_AVATARS, fc.oneof(name, fc.uuid(), fc.emailAddress())],
  [BAD_ERROR_MESSAGES, fc.oneof(notText, notStorable, fc.string({ minLength: 2001, maxLength: 4000 }))],
  [
    BAD_PERIODS,
    fc.oneof(
      notText,
      fc.string(),
      fc.integer(),
      month.map((parts) => parts.join('-')),
    ),
  ],
  [BAD_INSTANTS, fc.oneof(notText, fc.string(), fc.integer(), instant)],
  [BAD_COUNTS, count],
  [BAD_PAGE_SIZES, fc.oneof(count, fc.integer({ min: 101 }))],
  [BAD_CURSORS, fc.oneof(notText, fc.string(), fc.base64String())],
  [
    BAD_STATUSES,
    fc.array(
      fc.oneof(fc.string(), fc.integer()).filter((status) => !STATUSES.includes(`${status}`)),
      { minLength: 1 },
    ),
  ],
]);

/** Any value, of those listed and of others, that the argument must not have. */
export function anyBadValue(bad: BadValues): fc.Arbitrary<unknown> {
  const generated = GENERATED.get(bad);
  if (!generated) throw new Error('There is no generator for these values');
  return fc.oneof(fc.constantFrom(...Object.values(bad)), generated);
}

/** Values that no argument of a kind may have, by what is wrong with them. */
export type BadValues = Readonly<Record<string, unknown>>;

const NOT_A_TEXT: BadValues = { 'a boolean': true, 'a fraction': 1.5, 'a list': [['x']], 'an object': { a: 1 } };
const NOT_STORABLE: BadValues = { 'text with a NUL': 'a\0b', 'text with half a surrogate pair': 'a\ud800b' };

export const BAD_IDS: BadValues = NOT_A_TEXT;
export const BAD_ID_LISTS: BadValues = {
  ...Object.fromEntries(Object.entries(NOT_A_TEXT).map(([what, value]) => [`a list with ${what}`, [value]])),
  'a list with null': [null],
  'a list of 101': Array.from({ length: 101 }, () => 'x'),
};
export const BAD_NAMES: BadValues = {
  ...NOT_A_TEXT,
  ...NOT_STORABLE,
  'empty text': '',
  'text of 256 characters': 'ä'.repeat(256),
  'text of 256 characters of two units': '😀'.repeat(256),
};
export const BAD_AVATARS: BadValues = { ...BAD_NAMES, 'an unknown avatar': 'nobody', 'a key of objects': '__proto__' };
export const BAD_ERROR_MESSAGES: BadValues = { ...NOT_A_TEXT, ...NOT_STORABLE, 'too long a text': 'x'.repeat(2001) };
export const BAD_PERIODS: BadValues = {
  ...NOT_A_TEXT,
  'month 13': '2026-13',
  'month 0': '2026-00',
  'a word': 'november',
  'empty text': '',
  'a day': '2026-11-24',
  'a month with a line break': '2026-11\n',
  'a month of the 20th century': '1999-12',
  'a month that ends in the year 10000': '9999-12',
  'a month of five digits': '20260-11',
  'a number': 202611,
};
export const BAD_INSTANTS: BadValues = {
  ...NOT_A_TEXT,
  'a word': 'yesterday',
  'empty text': '',
  'a number': 0,
  'a day without a time': '2026-11-24',
  'a time without a zone': '2026-11-24T09:30:00',
  'month 13': '2026-13-24T09:30:00Z',
  'February 30': '2026-02-30T09:30:00Z',
  'February 29 of no leap year': '2026-02-29T09:30:00Z',
  'hour 24': '2026-11-24T24:00:00Z',
  'minute 60': '2026-11-24T09:60:00Z',
  'an offset of 99 hours': '2026-11-24T09:30:00+99:00',
  'the year 0': '0000-01-01T00:00:00Z',
  'an instant that an offset puts before the year 1': '0001-01-01T00:00:00+01:00',
};
export const BAD_COUNTS: BadValues = {
  'a negative number': -1,
  'the least number': -2_147_483_648,
  'a number above 32 bits': 2_147_483_648,
  'a number beyond all': 1e300,
  'a fraction': 1.5,
  'a text': '1',
  'a boolean': true,
  'a list': [[1]],
  'an object': {},
};
export const BAD_PAGE_SIZES: BadValues = { ...BAD_COUNTS, zero: 0, 'one too many': 101 };
export const BAD_CURSORS: BadValues = {
  ...NOT_A_TEXT,
  ...NOT_STORABLE,
  'empty text': '',
  'a word': 'next',
  'base64 of something else': Buffer.from('page:2').toString('base64'),
  'a moment without an id': Buffer.from('1795493740000_').toString('base64url'),
  'a moment out of range': Buffer.from(`${'9'.repeat(16)}_00000000-0000-0000-0000-000000000000`).toString('base64url'),
  'a statement': Buffer.from("1_'; DROP TABLE avatar_usage_records --").toString('base64url'),
};
export const BAD_STATUSES: BadValues = {
  'an unknown status': ['LOST'],
  'a status within a list': [['ACTIVE']],
  'a number': [1],
  'a list with null': [null],
  'an object': { status: 'ACTIVE' },
};

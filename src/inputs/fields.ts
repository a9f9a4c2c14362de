import { z } from 'zod';
import { PERIOD_PATTERN, parsePeriod } from '../domain/period.ts';

const MAX_NAME_CHARACTERS = 255;
const MAX_ERROR_CHARACTERS = 2000;
const MAX_COUNT = 2 ** 31 - 1;
export const MAX_PAGE_SIZE = 100;
export const DEFAULT_PAGE_SIZE = 20;
const PAGE_SIZE = `Invalid page size. Pass a whole number from 1 to ${MAX_PAGE_SIZE}.`;
export const PERIOD_FORM = 'Invalid billing period. Pass a month from 2000-01 to 9999-11 as YYYY-MM, such as 2026-11.';

/** Of this type; in GraphQL nothing else comes as far as here. */
function typeError(message: string) {
  return { error: ({ input }: { input?: unknown }) => (input === undefined ? 'This is missing.' : message) };
}

/** Text that PostgreSQL stores unchanged. */
function text(maxCharacters: number) {
  return z
    .string(typeError('This must be a string.'))
    .refine((value) => [...value].length <= maxCharacters, `This must have at most ${maxCharacters} characters.`)
    .refine(
      (value) => !value.includes('\0') && value.isWellFormed(),
      'This must not contain NUL characters or broken surrogate pairs.',
    )
    .meta({ maxLength: maxCharacters });
}

/** The id or name of something outside this service. */
export const name = text(MAX_NAME_CHARACTERS).min(1, 'This must not be empty.');

/** A message to keep in the record. */
export const errorText = text(MAX_ERROR_CHARACTERS);

/** A running total. */
export const count = z
  .int(typeError('A count must be a whole number.'))
  .min(0, 'A count must not be negative.')
  .max(MAX_COUNT, `A count must be at most ${MAX_COUNT}.`);

export const pageSize = z.int(typeError(PAGE_SIZE)).min(1, PAGE_SIZE).max(MAX_PAGE_SIZE, PAGE_SIZE);

/** As many ids as a page has entries. */
export const nodeIds = z.array(z.unknown()).max(MAX_PAGE_SIZE, `Pass at most ${MAX_PAGE_SIZE} IDs.`);

/** A calendar month. */
export const period = z
  .string(typeError(PERIOD_FORM))
  .refine((value) => parsePeriod(value) !== null, PERIOD_FORM)
  .meta({ pattern: PERIOD_PATTERN.source });

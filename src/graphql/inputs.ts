import { z } from 'zod';

/** What a text argument may hold: 1 to 255 characters that PostgreSQL stores unchanged. */
const MAX_NAME_CHARACTERS = 255;
const MAX_ERROR_CHARACTERS = 2000;
export const MAX_PAGE_SIZE = 100;

function storable(text: string): boolean {
  return !text.includes('\0') && text.isWellFormed();
}

/** The id or name of something outside this service. */
export const name = z
  .string()
  .min(1, 'This must not be empty.')
  .refine(
    (text) => [...text].length <= MAX_NAME_CHARACTERS,
    `This must have at most ${MAX_NAME_CHARACTERS} characters.`,
  )
  .refine(storable, 'This must not contain NUL characters or broken surrogate pairs.');

/** A message to keep in the record. */
export const errorText = z
  .string()
  .refine(
    (text) => [...text].length <= MAX_ERROR_CHARACTERS,
    `This must have at most ${MAX_ERROR_CHARACTERS} characters.`,
  )
  .refine(storable, 'This must not contain NUL characters or broken surrogate pairs.');

/** A running total. */
export const count = z.number().int().min(0, 'A count must not be negative.');

export const pageSize = z
  .number()
  .int()
  .min(1, `A page has 1 to ${MAX_PAGE_SIZE} entries.`)
  .max(MAX_PAGE_SIZE, `A page has 1 to ${MAX_PAGE_SIZE} entries.`);

import type { z } from 'zod';
import { VendorFailure } from '../../domain/errors.ts';
import type { OnUnreadable } from '../../domain/vendor.ts';

/** A list that goes on for longer is not one: so many pages hold a million sessions. */
export const MAX_PAGES = 10_000;

interface EntriesOptions<T> {
  readonly schema: z.ZodType<T>;
  /** The key of an entry under which its session's ID is. */
  readonly idKey: string;
  /** @default an entry that cannot be read is a failure */
  readonly onUnreadable?: OnUnreadable | undefined;
}

/**
 * Reads the entries of a page one by one.
 *
 * @throws VendorFailure for one that cannot be read, unless there is a listener for it
 */
export function readEntries<T>(
  entries: readonly unknown[],
  { schema, idKey, onUnreadable }: EntriesOptions<T>,
): readonly T[] {
  return entries.flatMap((entry) => {
    const result = schema.safeParse(entry);
    if (result.success) return [result.data];
    // Only the paths: the values may be anything.
    const problem = `Its entry is in an unknown form: ${result.error.issues.map(({ path }) => path.join('.')).join(', ')}`;
    if (!onUnreadable) throw new VendorFailure('unavailable', problem);
    onUnreadable({ avatarSessionId: idOf(entry, idKey), problem });
    return [];
  });
}

/** @throws VendorFailure for a list without an end */
export function checkPage(page: number, vendor: string): void {
  if (page > MAX_PAGES) throw new VendorFailure('unknown', `${vendor} lists sessions on more than ${MAX_PAGES} pages`);
}

function idOf(entry: unknown, idKey: string): string | null {
  if (typeof entry !== 'object' || entry === null) return null;
  const id = (entry as Record<string, unknown>)[idKey];
  return typeof id === 'string' && id !== '' ? id : null;
}

import type { HistoryKey } from '../domain/usage-history.ts';
import { packUuid, unpackUuid } from './uuid-bytes.ts';

/** Six bytes of time and sixteen of the record's id, in base64url. */
const CURSOR = /^[\w-]{30}$/;
const TIME_BYTES = 6;

/** Later instants have no place in an RFC 3339 timestamp. */
const YEAR_10000 = Date.UTC(10_000, 0);

/** The position of an entry in the usage history, as an opaque string. */
export function formatHistoryCursor({ createdAt, id }: HistoryKey): string {
  const time = Buffer.alloc(TIME_BYTES);
  time.writeUIntBE(createdAt.getTime(), 0, TIME_BYTES);
  return Buffer.concat([time, packUuid(id)]).toString('base64url');
}

/** Null for a string that {@link formatHistoryCursor} does not return. */
export function parseHistoryCursor(cursor: string): HistoryKey | null {
  if (!CURSOR.test(cursor)) return null;
  const bytes = Buffer.from(cursor, 'base64url');
  const time = bytes.readUIntBE(0, TIME_BYTES);
  return time < YEAR_10000 ? { createdAt: new Date(time), id: unpackUuid(bytes.subarray(TIME_BYTES)) } : null;
}

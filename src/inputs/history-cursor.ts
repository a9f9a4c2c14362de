import type { HistoryKey } from '../domain/usage-history.ts';

const CURSOR = /^(\d{1,15})_([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;

/** Where an entry of the usage history stands, as a text that means nothing to its reader. */
export function formatHistoryCursor({ createdAt, id }: HistoryKey): string {
  return Buffer.from(`${createdAt.getTime()}_${id}`).toString('base64url');
}

/** Null for anything that formatHistoryCursor did not write. */
export function parseHistoryCursor(cursor: string): HistoryKey | null {
  const [, time, id] = CURSOR.exec(Buffer.from(cursor, 'base64url').toString()) ?? [];
  return time && id ? { createdAt: new Date(Number(time)), id } : null;
}

import { BadUserInputError } from '../domain/errors.ts';

/** The key by which usage records are listed. */
export interface HistoryCursor {
  readonly createdAt: Date;
  readonly id: string;
}

const CURSOR = /^(\d{1,15})_([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;

export function formatHistoryCursor({ createdAt, id }: HistoryCursor): string {
  return Buffer.from(`${createdAt.getTime()}_${id}`).toString('base64url');
}

/** @throws BadUserInputError for anything that formatHistoryCursor did not write */
export function parseHistoryCursor(cursor: string): HistoryCursor {
  const [, time, id] = CURSOR.exec(Buffer.from(cursor, 'base64url').toString()) ?? [];
  if (time && id) return { createdAt: new Date(Number(time)), id };
  throw new BadUserInputError('This is no cursor of usageHistory. Pass the endCursor of the page before, unchanged.', [
    'after',
  ]);
}

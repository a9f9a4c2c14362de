import type { StoredRecord } from '../state.ts';
import type { Draft } from './draft.ts';

export function recordById({ user }: Draft, recordId: string): StoredRecord | undefined {
  return user.records.find(({ id }) => id === recordId);
}

/** The user's record of a vendor's session. */
export function recordBySession({ user }: Draft, avatarSessionId: string): StoredRecord | undefined {
  return user.records.find((record) => record.avatarSessionId === avatarSessionId);
}

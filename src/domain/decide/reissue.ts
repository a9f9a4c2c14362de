import type { Admission, Reissue } from '../admission.ts';
import { type Instant, type StoredRecord, takesPlace } from '../state.ts';
import type { Wish } from '../store.ts';
import { tokenExpiresAt } from './attach.ts';
import { byAge, changeRecord, type Draft, openRecords } from './draft.ts';
import { recordById } from './find-record.ts';

/** The longest that a call waits for another one's mint. After that the other one is believed to have died. */
const LONGEST_MINT_MS = 15_000;

/** A token that ends sooner at the vendor would not last from the answer to the start of its session. */
const SHORTEST_LIFE_MS = 30_000;

/**
 * The unused token that a conversation gets again: its own for the same avatar or, at the limit of concurrent sessions, the
 * oldest one of another conversation. Null if a new one must be minted. Changes nothing.
 */
export function findUnusedToken(draft: Draft, wish: Wish): Admission | null {
  const unused = openRecords(draft)
    .filter((record) => record.status === 'reserved' && fits(record, wish))
    .sort(byAge);
  const own = unused.filter(({ sessionId }) => sessionId === wish.sessionId);
  const candidates = own.length > 0 || !isFull(draft) ? own.reverse() : unused;
  const token = candidates.find((record) => record.sealedToken !== null && lastsLongEnough(draft, record));
  if (token) return reissue(draft, token);
  const minting = own.find(({ tokenHash, createdAt }) => tokenHash === null && createdAt > draft.now - LONGEST_MINT_MS);
  return minting ? { outcome: 'minting', grantSeconds: minting.grantSeconds } : null;
}

function fits(record: StoredRecord, { avatarName, vendor, vendorMode }: Wish): boolean {
  return record.avatarName === avatarName && record.vendor === vendor && record.vendorMode === vendorMode;
}

/** Whether another session would need a place that is taken. */
function isFull({ user, rules }: Draft): boolean {
  return user.records.filter(takesPlace).length >= rules.policy.maxConcurrentSessions;
}

function lastsLongEnough({ now, rules }: Draft, { heldSeconds, expiresAt, tokenEndsAt }: StoredRecord): boolean {
  const isAlive = expiresAt !== null && expiresAt > now;
  const endsTooSoon = tokenEndsAt !== null && tokenEndsAt < now + SHORTEST_LIFE_MS;
  return isAlive && !endsTooSoon && heldSeconds >= rules.policy.minSessionSeconds;
}

function reissue(draft: Draft, record: StoredRecord): Reissue {
  return {
    outcome: 'reissued',
    recordId: record.id,
    avatarSessionId: record.avatarSessionId,
    sealedToken: record.sealedToken ?? '',
    expiresAt: new Date(tokenExpiresAt(draft, record.tokenEndsAt)),
    grantSeconds: record.grantSeconds,
  };
}

/** Reissues an unused token: its time to live restarts, and it belongs to the conversation that requests it. */
export function handOutAgain(draft: Draft, recordId: string, sessionId: string): Admission {
  const record = recordById(draft, recordId) as StoredRecord;
  const expiresAt: Instant = tokenExpiresAt(draft, record.tokenEndsAt);
  changeRecord(draft, record, { sessionId, expiresAt });
  return reissue(draft, record);
}

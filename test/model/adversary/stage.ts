import { createHash } from 'node:crypto';
import { expect } from 'vitest';
import { deliverStops } from '../../../src/app/deliver-stops.ts';
import type { DueWork } from '../../../src/domain/due-work.ts';
import { VendorFailure } from '../../../src/domain/errors.ts';
import type { QuotaPolicy } from '../../../src/domain/policy.ts';
import { elapsedMs } from '../../../src/vendors/simulator/sessions.ts';
import { ALWAYS, dueWork } from '../../support/due-work.ts';
import { createVendorBooks, type VendorBooks } from '../../support/vendor-books.ts';

/** A token as its user has it. */
export interface StolenToken {
  readonly recordId: string;
  readonly userId: string;
  sessionId: string;
  readonly avatarSessionId: string;
  readonly token: string;
  readonly endsAt: number;
}

/** What one run of the adversary plays on. */
export interface Stage {
  readonly books: VendorBooks;
  readonly work: DueWork;
  /** How long the vendor accepts a token. */
  readonly tokenLifeSeconds: number;
  /** Every token that users have, whatever became of it here; in the order in which they got it. */
  readonly tokens: StolenToken[];
  /** When the vendor's figures were read last. */
  reconciledAt: number;
}

export async function openStage(
  policy: Partial<QuotaPolicy>,
  begin: string,
  tokenLifeSeconds: number,
): Promise<Stage & AsyncDisposable> {
  const books = await createVendorBooks(policy);
  books.clock.set(begin);
  return {
    books,
    work: dueWork(books),
    tokenLifeSeconds,
    tokens: [],
    reconciledAt: books.clock.now().getTime(),
    [Symbol.asyncDispose]: () => books[Symbol.asyncDispose](),
  };
}

/** What `createToken` does; the answer of the mint may be lost. */
export async function takeToken(stage: Stage, userId: string, sessionId: string, recordId: string, isLost: boolean) {
  const { store, vendor, clock } = stage.books;
  const request = {
    recordId,
    userId,
    sessionId,
    avatarName: 'default',
    vendor: 'simulator',
    vendorMode: 'FULL',
    pricePerMinute: 500_000n,
    vendorCaps: true,
  };
  const admission = await store.hold(request);
  if (admission.outcome === 'reissued') {
    const token = stage.tokens.find((known) => known.recordId === admission.recordId);
    if (token) token.sessionId = sessionId;
  }
  if (admission.outcome !== 'granted') return;
  const minted = await vendor.mint({ avatarName: 'default', maxSessionSeconds: admission.grantSeconds });
  if (isLost) return store.close({ recordId, userId, reason: 'vendor_error', errorMessage: 'no answer' });
  const { token, avatarSessionId } = minted;
  const endsAt = new Date(clock.now().getTime() + stage.tokenLifeSeconds * 1000);
  const isOut = await store.attach({
    recordId,
    userId,
    avatarSessionId,
    tokenHash: createHash('sha256').update(token).digest(),
    sealedToken: token,
    tokenEndsAt: endsAt,
  });
  if (!isOut || avatarSessionId === null) return;
  stage.tokens.push({ recordId, userId, sessionId, avatarSessionId, token, endsAt: endsAt.getTime() });
}

/** The page starts a session at the vendor, past this service. The vendor refuses an old or a used token. */
export async function startPast({ books }: Stage, token: StolenToken): Promise<'started' | 'ran_before' | 'refused'> {
  if (books.clock.now().getTime() >= token.endsAt) return 'refused';
  const before = books.simulator.sessions().find(({ id }) => id === token.avatarSessionId);
  if (before && before.startedAt !== null) return before.endedAt === null ? 'ran_before' : 'refused';
  await books.startAtVendor(token);
  return 'started';
}

/** A start through the service. Meanwhile the user may end the session, and the vendor's answer may be lost. */
export async function startThrough(
  stage: Stage,
  token: StolenToken,
  { meanwhile, isLost, isFinal }: { meanwhile: () => Promise<unknown>; isLost: boolean; isFinal: boolean },
): Promise<void> {
  const { store } = stage.books;
  const { recordId, userId } = token;
  const { outcome } = await store.start({ ...token, avatarName: null });
  if (outcome === 'ended' || outcome === 'not_found') return;
  await meanwhile();
  const word = await startPast(stage, token);
  const failed = { recordId, userId, errorMessage: 'no answer', isFinal };
  if (word === 'started' && !isLost) await store.confirmStart({ recordId, userId });
  else if (word === 'ran_before') await store.confirmStart({ recordId, userId, ranBefore: outcome === 'started' });
  else if (outcome === 'started') await store.failStart(failed);
}

/** Stops what is due, or all. The vendor refuses the first ones, and answers to the next ones are lost. */
export async function stopAtVendor(
  { books, work }: Stage,
  which: 'due' | 'all',
  refused: number,
  lost: number,
): Promise<void> {
  const { store, vendor, clock } = books;
  let calls = 0;
  const stop: typeof vendor.stop = async (...args) => {
    const call = calls++;
    if (call < refused) throw new VendorFailure('unavailable', 'The vendor is down');
    const word = await vendor.stop(...args);
    if (call < refused + lost) throw new VendorFailure('unknown', 'The answer was lost');
    return word;
  };
  await deliverStops({ work, store, vendor: { ...vendor, stop }, expectsFigures: true, clock: clock.now }, which);
}

/** Reads the vendor's figures. The vendor may go down after its lists were read. */
export async function readFigures(stage: Stage, isDown: boolean): Promise<void> {
  const { books } = stage;
  const { vendor } = books;
  const get: typeof vendor.get = () => Promise.reject(new VendorFailure('unavailable', 'The vendor is down'));
  try {
    await books.reconcile(isDown ? { vendor: { ...vendor, get } } : {});
    stage.reconciledAt = books.clock.now().getTime();
  } catch (error) {
    if (!(error instanceof VendorFailure)) throw error;
  }
}

export async function sweepUntilDone({ work }: Stage): Promise<void> {
  while ((await work.sweep(ALWAYS)) > 0);
}

/** What the vendor has streamed of a user's sessions was used or is held, but for a second of each session. */
export async function checkBooks({ books, tokens }: Stage): Promise<void> {
  const now = books.clock.now().getTime();
  const rows = await books.database.query(
    `SELECT user_id, sum(used_seconds)::integer AS used, sum(held_seconds)::integer AS held FROM usage_quotas GROUP BY user_id`,
  );
  const sessions = new Map(books.simulator.sessions().map((session) => [session.id, session]));
  for (const { user_id: userId, used, held } of rows) {
    const own = tokens
      .filter((token) => token.userId === userId)
      .flatMap(({ avatarSessionId }) => sessions.get(avatarSessionId) ?? [])
      .filter(({ startedAt }) => startedAt !== null);
    const streamed = own.reduce((sum, session) => sum + elapsedMs(session, now) / 1000, 0);
    const booked = Number(used) + Number(held);
    expect(streamed, `${userId}: ${streamed} s streamed, ${used} s used, ${held} s held`).toBeLessThanOrEqual(
      booked + own.length,
    );
  }
}

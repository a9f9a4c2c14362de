import type pg from 'pg';
import type { Clock } from '../domain/clock.ts';
import { copyAccount, withoutReturns } from '../domain/decide/account-room.ts';
import type { Act, Answer, Request } from '../domain/decide/acts.ts';
import {
  beginDraft,
  type Call,
  type Circumstances,
  changesNothing,
  type Decision,
  decide,
} from '../domain/decide/decide.ts';
import type { Draft } from '../domain/decide/draft.ts';
import { ServiceUnavailableError } from '../domain/errors.ts';
import { type BillingPeriod, periodAt, previousPeriod } from '../domain/period.ts';
import type { QuotaPolicy } from '../domain/policy.ts';
import type { PriceBook } from '../domain/price-book.ts';
import type { AccountState, UserState } from '../domain/state.ts';
import type { QuotaChange } from '../domain/store.ts';
import { hasCeiling, openAccount } from './account.ts';
import { firedThresholds, newlyFired } from './account-thresholds.ts';
import { createBatcher } from './batcher.ts';
import { type DecisionClock, uncomparedClock } from './decision-clock.ts';
import { createRules } from './decision-rules.ts';
import { isConflict, isCut, isLocked, isSilent, isTaken, mayBeOneRow, toPublicError } from './errors.ts';
import { afterSave, createKeptUsers } from './kept-users.ts';
import { type Loaded, type LoadedAccount, type LoadRequest, load } from './load.ts';
import { lockAccount, lockUsers } from './lock.ts';
import { namedBy, namesOnlyOpenRecords, type PendingCall } from './pending-call.ts';
import { type Decided, type SaveTerms, save } from './save.ts';
import { createUserBatcher, type Stragglers, type UserCalls } from './user-batcher.ts';

/** After so many rounds in which another transaction was faster, the calls are decided under a lock. */
const MAX_ROUNDS = 5;

/** When the connections are cut, idle ones may be found broken one after the other. */
const MAX_LOADS = 3;

/** Of these, so many wait for their locks at once: they leave most of the pool's connections to everyone else. */
const MAX_LOCKED_BATCHES = 2;

/** Acts that leave the account as it is: they wait for no other user, also under a ceiling. */
const NEVER_BOOK: ReadonlySet<Act> = new Set(['attach', 'heartbeat', 'name', 'confirmStart']);

interface DecisionsOptions {
  readonly pool: pg.Pool;
  readonly policy: QuotaPolicy;
  readonly clock: Clock;
  /** What acts are decided by. @default the clock, which is never compared */
  readonly decisionClock?: DecisionClock;
}

/** Load, decide, save if unchanged: the path of every act on quotas and records. */
export interface Decisions {
  /**
   * Carries out one act. Calls that wait at one moment share a load and a save; those of one user are decided in their order.
   *
   * @throws ServiceUnavailableError when the database cannot be asked, or this node's clock is off
   */
  perform<Name extends Act>(userId: string, act: Name, request: Request<Name>): Promise<Answer<Name>>;
  /** The same, with the decision as it was saved. Another call of the user may have a share in it. */
  performAndSee<Name extends Act>(userId: string, act: Name, request: Request<Name>): Promise<Performed<Name>>;
  /**
   * Answers from what decisions about a user would go by at this moment. Writes nothing.
   *
   * @param period a month whose quota is asked for
   */
  inspect<Result>(userId: string, period: BillingPeriod, look: (draft: Draft) => Result): Promise<Result>;
  /** The same after a change, its record included: on the state that this node saved last, if that is as new as the change. */
  inspectChange<Result>(change: QuotaChange, look: (draft: Draft) => Result): Promise<Result>;
  /** The prices that the last act or look on this node went by. */
  prices(): Promise<PriceBook>;
  /**
   * Drops what is kept of users and prices. After a failover that lost commits, the database can reach the revision of a lost
   * state again, and that state would pass for the present one.
   */
  forget(): void;
}

export interface Performed<Name extends Act> {
  readonly answer: Answer<Name>;
  readonly decision: Decision;
}

type Pending = UserCalls<PendingCall>;
type Database = Pick<pg.Pool | pg.PoolClient, 'query'>;

/** What a batch is decided on. */
interface Basis {
  readonly users: ReadonlyMap<string, UserState>;
  readonly circumstances: Omit<Circumstances, 'account'>;
  readonly priceRevision: number;
  /** Null without a ceiling. */
  readonly account: LoadedAccount | null;
  /** Whether it was loaded for this batch. What changes nothing is answered on such a basis alone. */
  readonly isFresh: boolean;
  readonly now: Date;
}

interface Look {
  readonly userId: string;
  readonly period: BillingPeriod;
  /** A record to load in addition to the open ones. */
  readonly recordId: string | null;
}

/** What became of a batch that was decided and saved once. */
interface Round {
  /** The users who must be decided again: another transaction was faster, or the basis was too old. */
  readonly left: readonly Pending[];
  /** Answers everyone else, once it is committed. */
  readonly answer: () => void;
}

export function createDecisions({
  pool,
  policy,
  clock,
  decisionClock = uncomparedClock(clock),
}: DecisionsOptions): Decisions {
  const isBounded = hasCeiling(policy);
  let rulesFor = createRules(pool, policy);
  let kept = createKeptUsers();

  async function loadBasis(
    database: Database,
    asked: Pick<LoadRequest, 'userIds' | 'recordIds' | 'avatarSessionIds'>,
    now: Date,
    periods: readonly BillingPeriod[] = [],
  ): Promise<Basis> {
    const [since = ''] = [previousPeriod(periodAt(now, policy.billingTimeZone)), ...periods].sort();
    const { maxTokensPerMinute } = policy;
    const { users, priceRevision, account, takenSessions } = await loadAgain(database, {
      ...asked,
      since,
      now,
      maxTokensPerMinute,
    });
    if (isBounded && !account) {
      await openAccount(pool, policy);
      return loadBasis(database, asked, now, periods);
    }
    const circumstances = { rules: await rulesFor(priceRevision), now: now.getTime(), takenSessions };
    return { users, circumstances, priceRevision, account: isBounded ? account : null, isFresh: true, now };
  }

  /** A load on a connection that is cut has changed nothing, and is repeated on another one. */
  async function loadAgain(database: Database, request: LoadRequest): Promise<Loaded> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await load(database, request);
      } catch (error) {
        if (database !== pool || attempt === MAX_LOADS || !isCut(error)) throw error;
      }
    }
  }

  /** The basis of users whom this node saved last. Null if one of them is missing, or a record that a call names. */
  async function keptBasis(batch: readonly Pending[], now: Date): Promise<Basis | null> {
    if (isBounded) return null;
    const users = new Map<string, UserState>();
    let priceRevision: number | undefined;
    for (const { userId, calls } of batch) {
      const found = kept.take(userId);
      priceRevision ??= found?.priceRevision;
      if (!found || found.priceRevision !== priceRevision || !namesOnlyOpenRecords(found.user, calls)) return null;
      users.set(userId, found.user);
    }
    if (priceRevision === undefined) return null;
    const takenSessions: ReadonlySet<string> = new Set();
    const circumstances = { rules: await rulesFor(priceRevision), now: now.getTime(), takenSessions };
    return { users, circumstances, priceRevision, account: null, isFresh: false, now };
  }

  async function round(database: Database, users: readonly Pending[], basis: Basis): Promise<Round> {
    const { decided, account } = decideAll(users, basis);
    const changed = decided.filter(({ before, decision }) => !changesNothing(before, decision));
    const saved = changed.length === 0 ? new Set() : await save(database, changed, termsOf(basis, changed, account));
    // A refusal may rest on what a user before it takes of the account: it stands only once that is saved.
    const mayStand = basis.isFresh && (account === null || saved.size === changed.length);
    const isDone = ({ before, decision }: Decided) =>
      saved.has(decision.userId) || (mayStand && changesNothing(before, decision));
    return {
      left: users.filter((_, index) => !isDone(decided[index] as Decided)),
      answer() {
        decided.forEach((each, index) => {
          if (!isDone(each)) return;
          if (saved.has(each.decision.userId)) kept.put(afterSave(each.decision), basis.priceRevision);
          resolve(users[index] as Pending, each.decision);
        });
      },
    };
  }

  /** For users on whom other transactions were faster again and again: once, while nobody else can change them. */
  async function decideUnderLock(users: readonly Pending[]): Promise<undefined[]> {
    const client = await pool.connect();
    // A connection that breaks fails the statement under way. Without a listener it would end the process as well.
    client.on('error', ignore);
    try {
      await client.query('BEGIN');
      const named = namedBy(users);
      await lockUsers(client, named);
      // After the users, as in a save: a batch that waits for a user keeps no other from the account.
      if (isBounded) await lockAccount(client);
      const now = await decisionClock.now();
      const { left, answer } = await round(client, users, await loadBasis(client, named, now));
      await client.query('COMMIT');
      answer();
      for (const user of left) reject(user, new ServiceUnavailableError());
      client.off('error', ignore);
      client.release();
      return users.map(() => undefined);
    } catch (error) {
      client.release(true);
      throw error;
    }
  }

  const decideSlowly = createBatcher<Pending, undefined>({
    run: decideUnderLock,
    mayBeOneRequest: mayBeOneRow,
    maxBatches: MAX_LOCKED_BATCHES,
  });

  /** One round that is a commit of its own. Returns the users who are left. */
  async function saveRound(users: readonly Pending[], mayUseKept: boolean): Promise<readonly Pending[]> {
    try {
      const now = await decisionClock.now();
      const basis = (mayUseKept ? await keptBasis(users, now) : null) ?? (await loadBasis(pool, namedBy(users), now));
      const { left, answer } = await round(pool, users, basis);
      answer();
      return left;
    } catch (error) {
      // A deadlock saved nothing. What another user has just taken is seen when it is loaded again.
      if (isConflict(error) || (isTaken(error) && users.length === 1)) return users;
      throw error;
    }
  }

  async function carryOut(batch: readonly Pending[]): Promise<Stragglers | null> {
    let users = batch;
    try {
      for (let turn = 0; users.length > 0 && turn < MAX_ROUNDS; turn++) {
        users = await saveRound(users, turn === 0);
      }
      return straggling(users, decideSlowly);
    } catch (error) {
      // Under a ceiling it is most likely the account that is locked, which all of them need.
      if (isBounded && isLocked(error)) return straggling(users, decideSlowly);
      if (mayBeOneRow(error) && users.length > 1) {
        return straggling(users, async (user) => (await carryOut([user]))?.done);
      }
      // One call of a user fails no other one.
      if (mayBeOneRow(error) && users.some(({ calls }) => calls.length > 1)) {
        return straggling(users, async ({ userId, calls }) => {
          for (const call of calls) await (await carryOut([{ userId, calls: [call] }]))?.done;
        });
      }
      for (const user of users) reject(user, toPublicError(error));
      // Whoever has waited behind them has waited long enough.
      if (isSilent(error))
        for (const batcher of batchers) reject({ calls: batcher.takeWaiting() }, toPublicError(error));
      return null;
    }
  }

  const batcher = createUserBatcher<PendingCall>({ run: carryOut, maxBatches: 4 });
  // Under a ceiling, batches of one node that book would only make each other decide again.
  const booking = isBounded ? createUserBatcher<PendingCall>({ run: carryOut, maxBatches: 1 }) : batcher;
  const batchers = new Set([batcher, booking]);

  const inspectUser = createBatcher<Look, Draft>({
    async run(requests) {
      const userIds = [...new Set(requests.map(({ userId }) => userId))];
      const recordIds = [...new Set(requests.flatMap(({ recordId }) => recordId ?? []))];
      const asked = { userIds, recordIds, avatarSessionIds: [] };
      const periods = requests.map(({ period }) => period);
      const { users, circumstances, account } = await loadBasis(pool, asked, clock(), periods);
      return requests.map(({ userId }) =>
        beginDraft(users.get(userId) ?? newUser(userId), { ...circumstances, account: account?.state ?? null }),
      );
    },
    mayBeOneRequest: mayBeOneRow,
  });

  async function inspect<Result>(what: Look, look: (draft: Draft) => Result): Promise<Result> {
    try {
      return look(await inspectUser(what));
    } catch (error) {
      throw toPublicError(error);
    }
  }

  function submit(userId: string, call: PendingCall): void {
    (NEVER_BOOK.has(call.call.act) ? batcher : booking).submit(userId, call);
  }

  return {
    perform: (userId, act, request) =>
      new Promise((resolve, reject) => {
        submit(userId, { call: { act, request } as Call, resolve, reject });
      }),
    performAndSee: (userId, act, request) =>
      new Promise((resolve, reject) => {
        const see = (answer: Answer<typeof act>, decision: Decision) => resolve({ answer, decision });
        submit(userId, { call: { act, request } as Call, resolve: see, reject });
      }),
    forget() {
      rulesFor = createRules(pool, policy);
      kept = createKeptUsers();
    },
    inspect: (userId, period, look) => inspect({ userId, period, recordId: null }, look),
    async inspectChange(change, look) {
      const saved = kept.peek(change.userId);
      if (!saved || !shows(saved.user, change)) return inspect(change, look);
      const rules = await rulesFor(saved.priceRevision);
      return look(beginDraft(saved.user, { rules, now: clock().getTime(), account: null }));
    },
    prices: rulesFor.prices,
  };
}

/** Decides the users of a batch one after the other, each on what the ones before leave of the account. */
function decideAll(
  users: readonly Pending[],
  { users: states, circumstances, account: loaded }: Basis,
): { decided: Decided[]; account: AccountState | null } {
  const period = circumstances.rules.periodOf(circumstances.now);
  let account = loaded?.state ?? null;
  const decided = users.map(({ userId, calls }): Decided => {
    const before = states.get(userId) ?? newUser(userId);
    const ofUser = account && copyAccount(account);
    const decision = decide(
      before,
      calls.map(({ call }) => call),
      { ...circumstances, account: ofUser },
    );
    account = account && ofUser && withoutReturns(account, ofUser, period);
    return { before, decision };
  });
  return { decided, account };
}

function termsOf(
  { priceRevision, account: loaded, now }: Basis,
  changed: readonly Decided[],
  account: AccountState | null,
): SaveTerms {
  const holds = changed.some(({ decision }) => decision.entries.some(({ kind }) => kind === 'hold'));
  return {
    priceRevision,
    account: loaded && {
      version: holds ? loaded.version : null,
      fired: newlyFired(account, firedThresholds(loaded.state)),
    },
    now,
  };
}

function newUser(userId: string): UserState {
  return { userId, revision: 0, dueAt: null, quotas: [], records: [], recentTokens: [] };
}

/** Whether the state has the change in it, and the record that changed. */
function shows({ quotas, records }: UserState, { period, version, recordId }: QuotaChange): boolean {
  return (
    quotas.some((quota) => quota.period === period && quota.version >= version) &&
    (recordId === null || records.some(({ id }) => id === recordId))
  );
}

/** Users of a batch who go on by themselves. */
function straggling(users: readonly Pending[], carryOn: (user: Pending) => Promise<unknown>): Stragglers | null {
  if (users.length === 0) return null;
  const ends = users.map((user) => carryOn(user).catch((error: unknown) => reject(user, toPublicError(error))));
  return { userIds: users.map(({ userId }) => userId), done: Promise.all(ends) };
}

function ignore(): void {}

function reject({ calls }: Pick<Pending, 'calls'>, error: unknown): void {
  for (const call of calls) call.reject(error);
}

function resolve({ calls }: Pending, decision: Decision): void {
  calls.forEach(({ resolve }, index) => {
    resolve(decision.answers[index] as never, decision);
  });
}

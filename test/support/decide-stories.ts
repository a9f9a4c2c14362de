import fc from 'fast-check';
import type { Act, Answer, Request } from '../../src/domain/decide/acts.ts';
import type { QuotaPolicy } from '../../src/domain/policy.ts';
import type { VendorFigures } from '../../src/domain/reconciliation.ts';
import type { EndReason } from '../../src/domain/session.ts';
import { isOpen, isOutstanding, type StoredRecord } from '../../src/domain/state.ts';
import { createDecider, type Decider } from './decide.ts';

// Random stories of one user: acts of every kind, prices that are entered, and a clock that moves. A step names its record by
// age ("the latest but two"), so that it still means something when the story is shortened.

const SECOND = 1000;
const DAY = 24 * 60 * 60 * SECOND;
const VENDOR = 'simulator';
/** The service is never down for longer: a session then runs past the end of one month at most. */
const LONGEST_OUTAGE = 20 * DAY;

export interface Story {
  readonly policy: Partial<QuotaPolicy>;
  readonly beginning: number;
  readonly steps: readonly Step[];
}

/** Does something to a user, or moves the clock. */
export type Step = (teller: Teller) => void;

/** An act of a story, and what was answered. */
export interface Performed {
  readonly name: Act;
  readonly request: Request<Act>;
  readonly answer: Answer<Act>;
}

/** Carries out the steps of a story. */
export interface Teller {
  readonly decider: Decider;
  readonly userId: string;
  act<Name extends Act>(name: Name, request: Request<Name>): void;
  nextId(): string;
  /** Moves the clock forward, if the moment lies ahead. */
  waitUntil(at: number): void;
  /** The latest record but so many, those still open before all others. */
  recordAt(position: number): StoredRecord | undefined;
}

export function createTeller(decider: Decider, onAct: (decider: Decider, performed: Performed) => void): Teller {
  const { userId } = decider.state;
  let ids = 0;
  let sweptAt = decider.now;

  function act<Name extends Act>(name: Name, request: Request<Name>): void {
    const answer = decider.act(name, request);
    if (name === 'sweep') sweptAt = decider.now;
    onAct(decider, { name, request, answer });
  }

  return {
    decider,
    userId,
    act,
    waitUntil(at) {
      while (at - sweptAt > LONGEST_OUTAGE) {
        decider.now = Math.max(decider.now, sweptAt + LONGEST_OUTAGE);
        act('sweep', { lapsesFrom: 0 });
      }
      decider.now = Math.max(decider.now, at);
    },
    nextId: () => `${userId}-${String(ids++).padStart(4, '0')}`,
    recordAt(position) {
      const newestFirst = decider.state.records.toReversed();
      return [...newestFirst.filter(isOpen), ...newestFirst.filter((record) => !isOpen(record))][position];
    },
  };
}

/** Performs the steps of a story, and reports each act. */
export function tell(
  { policy, beginning, steps }: Story,
  onAct: (decider: Decider, performed: Performed) => void,
): Decider {
  const decider = createDecider({ policy, now: beginning });
  const teller = createTeller(decider, onAct);
  for (const step of steps) step(teller);
  return decider;
}

/** Lets everything that is open end by the clock. */
export function runToTheEnd(decider: Decider): void {
  while (decider.state.records.some((record) => isOpen(record) || isOutstanding(record))) {
    decider.now = Math.max(decider.now, decider.state.dueAt ?? Number.NaN);
    decider.act('sweep', { lapsesFrom: 0 });
  }
}

/** A step that is printed as its name and what was drawn for it. */
function step<Drawn>(name: string, drawn: fc.Arbitrary<Drawn>, run: (teller: Teller, drawn: Drawn) => void) {
  return drawn.map((value): Step => {
    const text = () => `${name}(${fc.stringify(value)})`;
    return Object.assign((teller: Teller) => run(teller, value), { [fc.toStringMethod]: text });
  });
}

const nth = fc.oneof({ weight: 5, arbitrary: fc.constant(0) }, { weight: 2, arbitrary: fc.nat({ max: 3 }) });
const anyMode = fc.constantFrom('FULL', 'FULL', 'LITE');
const anyPerMinute = fc.oneof(fc.constantFrom(0n, 7n, 333_333n, 500_000n), fc.bigInt({ min: 1n, max: 2_000_000n }));
const anyToken = fc.record({
  sessionId: fc.constantFrom('chat', 'talk', 'call'),
  vendorMode: anyMode,
  pricePerMinute: anyPerMinute,
  vendorCaps: fc.boolean(),
});

function take(teller: Teller, token: typeof anyToken extends fc.Arbitrary<infer Drawn> ? Drawn : never): void {
  const { userId } = teller;
  teller.act('hold', { ...token, recordId: teller.nextId(), userId, avatarName: 'default', vendor: VENDOR });
}

/** A token is attached once, before it can be started. */
function attachTo(
  { act, userId, decider }: Teller,
  record: StoredRecord | undefined,
  { isNamed, life }: { readonly isNamed: boolean; readonly life: number | null },
): void {
  if (!record || record.tokenHash !== null || record.status === 'active') return;
  const avatarSessionId = isNamed ? `stream-${record.id}` : null;
  const vendors = life === null ? {} : { sealedToken: 'sealed', tokenEndsAt: new Date(decider.now + life) };
  act('attach', { recordId: record.id, userId, avatarSessionId, tokenHash: new Uint8Array(32), ...vendors });
}

/** The vendor's ID of a record's session. Where the vendor names it only at its start, the one that it will have. */
function sessionOf({ id, avatarSessionId }: StoredRecord): string {
  return avatarSessionId ?? `late-${id}`;
}

function startOf({ act, userId }: Teller, record: StoredRecord | undefined): void {
  if (!record) return;
  act('start', { userId, sessionId: record.sessionId, avatarSessionId: sessionOf(record), avatarName: null });
}

const hold = step('hold', anyToken, take);

/** How long the vendor accepts a token. Null for one that stays with the service. */
const anyLife = fc.option(fc.integer({ min: SECOND, max: 4000 * SECOND }));

const attach = step('attach', fc.record({ nth, isNamed: fc.boolean(), life: anyLife }), (teller, drawn) =>
  attachTo(teller, teller.recordAt(drawn.nth), drawn),
);

const start = step('start', nth, (teller, position) => startOf(teller, teller.recordAt(position)));

/** A token that is taken, attached and started. */
const session = step(
  'session',
  fc.record({ token: anyToken, isNamed: fc.boolean(), life: anyLife, wait: fc.nat({ max: 2 * SECOND }) }),
  (teller, { token, wait, ...minted }) => {
    take(teller, token);
    attachTo(teller, teller.recordAt(0), minted);
    teller.waitUntil(teller.decider.now + wait);
    startOf(teller, teller.recordAt(0));
  },
);

/** What is heard of a session that the vendor names, starts and caps by itself. */
const vendorWord = step(
  'vendorWord',
  fc.record({
    nth,
    word: fc.constantFrom('open', 'name', 'failStart', 'failForGood', 'confirmStart', 'ranBefore', 'cap'),
    capSeconds: fc.integer({ min: 1, max: 900 }),
  }),
  (teller, { nth: position, word, capSeconds }) => {
    const record = teller.recordAt(position);
    if (!record) return;
    const { act, userId } = teller;
    const named = { recordId: record.id, userId };
    if (word === 'open') act('open', { ...named, avatarName: null });
    if (word === 'name') act('name', { ...named, avatarSessionId: sessionOf(record) });
    if (word === 'failStart') act('failStart', { ...named, errorMessage: 'the vendor is down' });
    if (word === 'failForGood') act('failStart', { ...named, errorMessage: 'a bad avatar', isFinal: true });
    if (word === 'confirmStart') act('confirmStart', named);
    if (word === 'ranBefore') act('confirmStart', { ...named, ranBefore: true });
    if (word === 'cap') act('cap', { ...named, capSeconds });
  },
);

/** What the vendor answers to the stop of a session. */
const stopped = step(
  'stopped',
  fc.record({
    nth,
    word: fc.constantFrom('stopped', 'stopped', 'unknown', 'forgotten'),
    expectsFigures: fc.boolean(),
  }),
  ({ act, userId, recordAt }, { nth: position, ...word }) => {
    const record = recordAt(position);
    if (record) act('confirmStop', { recordId: record.id, userId, ...word });
  },
);

const heartbeat = step(
  'heartbeat',
  fc.record({ nth, wordsSpoken: fc.option(fc.nat(500)) }),
  ({ act, userId, recordAt }, { nth: position, wordsSpoken }) => {
    const record = recordAt(position);
    if (record) act('heartbeat', { userId, avatarSessionId: sessionOf(record), wordsSpoken, messagesCount: null });
  },
);

const end = step(
  'end',
  fc.record({ nth, errorMessage: fc.constantFrom(null, null, 'the tab was closed') }),
  ({ act, userId, recordAt }, { nth: position, errorMessage }) => {
    const record = recordAt(position);
    if (!record) return;
    act('end', { userId, avatarSessionId: sessionOf(record), errorMessage, wordsSpoken: 5, messagesCount: null });
  },
);

const close = step(
  'close',
  fc.record({ nth, reason: fc.constantFrom<EndReason>('admin_ended', 'vendor_ended', 'vendor_error') }),
  ({ act, userId, recordAt }, { nth: position, reason }) => {
    const record = recordAt(position);
    if (record) act('close', { recordId: record.id, userId, reason, errorMessage: null });
  },
);

const changeLimits = step(
  'changeLimits',
  fc.record({
    limitMinutes: fc.option(fc.oneof(fc.nat({ max: 12 }), fc.nat({ max: 90 }))),
    limitCost: fc.option(fc.bigInt({ min: 0n, max: 40_000_000n })),
    isActive: fc.constantFrom(null, true, true, true, false),
  }),
  ({ act, userId }, limits) => act('changeLimits', { userId, ...limits }),
);

const enterPrice = step(
  'enterPrice',
  fc.record({
    vendorMode: anyMode,
    perMinute: anyPerMinute,
    billingStepSeconds: fc.constantFrom(1, 1, 10, 60),
    minimumSeconds: fc.constantFrom(0, 0, 30, 90),
    later: fc.oneof(fc.constant(0), fc.integer({ min: -200 * SECOND, max: 1000 * SECOND })),
  }),
  ({ decider }, { later, ...price }) => decider.enterPrice({ ...price, effectiveFrom: new Date(decider.now + later) }),
);

/** What the vendor's list says of a session, or that it knows of none. */
const reconcile = step(
  'reconcile',
  fc.record({
    nth,
    kind: fc.constantFrom('reconcileEnded', 'reconcileEnded', 'reconcileActive', 'reconcileUnknown'),
    shift: fc.integer({ min: -40, max: 40 }),
    seconds: fc.oneof(fc.constant(0), fc.nat(2000)),
  }),
  ({ act, decider: { now }, recordAt }, { nth: position, kind, shift, seconds }) => {
    const record = recordAt(position);
    if (!record) return;
    const startedAt = Math.min((record.startedAt ?? record.createdAt) + shift * SECOND, now);
    const figures: VendorFigures = {
      avatarSessionId: sessionOf(record),
      mode: null,
      source: null,
      startedAt: new Date(startedAt),
      endedAt: kind === 'reconcileEnded' ? new Date(Math.min(startedAt + seconds * SECOND, now)) : null,
      seconds,
      credits: null,
      creditsPerMinute: null,
      endReason: null,
    };
    if (kind === 'reconcileEnded') act('reconcileEnded', { vendor: VENDOR, figures });
    if (kind === 'reconcileActive') act('reconcileActive', { vendor: VENDOR, figures, readAt: now });
    if (kind === 'reconcileUnknown') {
      act('reconcileUnknown', { vendor: VENDOR, avatarSessionId: figures.avatarSessionId });
    }
  },
);

const sweep = step('sweep', fc.constant(null), ({ act }) => act('sweep', { lapsesFrom: 0 }));

const aWhile = fc.oneof(
  { weight: 4, arbitrary: fc.nat({ max: 5 * SECOND }) },
  { weight: 8, arbitrary: fc.nat({ max: 400 * SECOND }) },
  { weight: 1, arbitrary: fc.nat({ max: 5 * DAY }) },
);

const wait = step('wait', aWhile, ({ decider, waitUntil }, milliseconds) => waitUntil(decider.now + milliseconds));

/** To the moment at which something falls due, or beside it. */
const waitUntilDue = step('waitUntilDue', fc.constantFrom(-1, 0, 0, 1, 1500), ({ decider, waitUntil }, offset) =>
  waitUntil((decider.state.dueAt ?? 0) + offset),
);

const waitUntilMonthEnd = step(
  'waitUntilMonthEnd',
  fc.integer({ min: -90 * SECOND, max: 2 * SECOND }),
  ({ decider: { rules, now }, waitUntil }, offset) => waitUntil(rules.endOf(rules.periodOf(now)) + offset),
);

export const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: hold },
  { weight: 6, arbitrary: session },
  { weight: 3, arbitrary: attach },
  { weight: 3, arbitrary: start },
  { weight: 3, arbitrary: vendorWord },
  { weight: 4, arbitrary: heartbeat },
  { weight: 3, arbitrary: end },
  { weight: 4, arbitrary: stopped },
  { weight: 2, arbitrary: close },
  { weight: 3, arbitrary: changeLimits },
  { weight: 2, arbitrary: enterPrice },
  { weight: 3, arbitrary: reconcile },
  { weight: 6, arbitrary: sweep },
  { weight: 8, arbitrary: wait },
  { weight: 4, arbitrary: waitUntilDue },
  { weight: 1, arbitrary: waitUntilMonthEnd },
);

export const anyPolicy = fc.record({
  defaultLimitMinutes: fc.integer({ min: 1, max: 60 }),
  defaultLimitCost: fc.bigInt({ min: 100_000n, max: 50_000_000n }),
  thresholds: fc.constantFrom([80], [5, 10, 25, 50, 80, 95], []),
  maxSessionSeconds: fc.integer({ min: 60, max: 1800 }),
  minSessionSeconds: fc.integer({ min: 10, max: 60 }),
  maxConcurrentSessions: fc.integer({ min: 1, max: 4 }),
  maxTokensPerMinute: fc.integer({ min: 2, max: 30 }),
  tokenTtlSeconds: fc.integer({ min: 30, max: 300 }),
  heartbeatSeconds: fc.integer({ min: 5, max: 60 }),
  billingTimeZone: fc.constantFrom('UTC', 'Europe/Berlin'),
});

/** In the middle of a month, and shortly before its end. */
export const anyBeginning = fc
  .constantFrom('2026-11-10T12:00:00.000Z', '2026-11-30T22:50:00.000Z', '2026-12-31T23:58:30.123Z')
  .map((beginning) => Date.parse(beginning));

export const anyStory: fc.Arbitrary<Story> = fc.record({
  policy: anyPolicy,
  beginning: anyBeginning,
  steps: fc.array(anyStep, { minLength: 1, maxLength: 60, size: 'max' }),
});

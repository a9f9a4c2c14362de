import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  checkBooks,
  openStage,
  readFigures,
  type Stage,
  type StolenToken,
  startPast,
  startThrough,
  stopAtVendor,
  sweepUntilDone,
  takeToken,
} from './adversary/stage.ts';

// Users who try to be streamed more than was held for them: they start at the vendor past this service, early, late, or with
// tokens that were voided, report what they like, and collect tokens. The vendor fails at the worst moment. After every step,
// what the vendor has streamed for a user by its own meter was used or is held here.
//
// The vendor is LiveAvatar's: a token opens one session, and the vendor caps it at the grant. Of HeyGen's no such thing can be
// promised: its token opens any number of sessions. Limits stay as they are, since a lower one takes back what is held for running
// sessions; and the vendor's figures are read once a day at least, since nothing is held longer without the vendor's word.
//
//   ADVERSARY_SEED    repeats a run
//   ADVERSARY_STEPS   how many steps at least; 5000 take some minutes

const SEED = Number(process.env.ADVERSARY_SEED ?? Math.floor(Math.random() * 2 ** 31));
const STEPS = Number(process.env.ADVERSARY_STEPS ?? 400);
const STEPS_PER_RUN = 60;
const SHRINKING_MS = 60_000;
const SECOND = 1000;
/** The longest time without the vendor's figures. */
const LONGEST_SILENCE = 20 * 3600 * SECOND;

const user = fc.constantFrom('ann', 'ann', 'bob');
const nth = fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, { weight: 2, arbitrary: fc.nat({ max: 5 }) });
const seldom = fc.constantFrom(false, false, false, true);
const which = fc.constantFrom('due' as const, 'all' as const);

const anyStep = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('take' as const),
      user,
      conversation: fc.constantFrom('chat', 'talk', 'call', 'more'),
      isLost: seldom,
    }),
  },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('startPast' as const), user, nth }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('report' as const), user, nth }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('startThrough' as const),
      user,
      nth,
      isLost: seldom,
      isFinal: seldom,
      endsMeanwhile: seldom,
      stopsMeanwhile: seldom,
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('end' as const), user, nth }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('heartbeat' as const), user, nth, reaches: which }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('leave' as const), user, nth, vanishes: fc.boolean() }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('stop' as const),
      which,
      refused: fc.constantFrom(0, 0, 1, 3),
      lost: fc.constantFrom(0, 0, 0, 1),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('figures' as const), isDown: seldom }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('sweep' as const) }) },
  {
    weight: 7,
    arbitrary: fc.record({
      kind: fc.constant('wait' as const),
      milliseconds: fc.oneof(
        { weight: 2, arbitrary: fc.nat({ max: 3 * SECOND }) },
        { weight: 5, arbitrary: fc.nat({ max: 200 * SECOND }) },
        { weight: 2, arbitrary: fc.nat({ max: 1200 * SECOND }) },
        { weight: 1, arbitrary: fc.nat({ max: 6 * 3600 * SECOND }) },
      ),
    }),
  },
);
type Step = typeof anyStep extends fc.Arbitrary<infer Drawn> ? Drawn : never;

const anyStage = fc.record({
  policy: fc.record({
    defaultLimitMinutes: fc.integer({ min: 2, max: 60 }),
    maxSessionSeconds: fc.integer({ min: 60, max: 1800 }),
    minSessionSeconds: fc.integer({ min: 10, max: 60 }),
    maxConcurrentSessions: fc.integer({ min: 1, max: 3 }),
    tokenTtlSeconds: fc.integer({ min: 30, max: 300 }),
    heartbeatSeconds: fc.integer({ min: 5, max: 60 }),
  }),
  begin: fc.constantFrom('2026-11-10T12:00:00.000Z', '2026-11-30T23:50:00.000Z'),
  tokenLifeSeconds: fc.constantFrom(60, 300, 3600, 3600),
});

it(`nothing is streamed that was not held, in ${STEPS} steps with ADVERSARY_SEED=${SEED}`, {
  timeout: 3_600_000,
}, async () => {
  let taken = 0;
  const steps = fc.array(anyStep, { minLength: 1, maxLength: STEPS_PER_RUN, size: 'max' });
  for (let seed = SEED; taken < STEPS; seed++) {
    await fc.assert(
      fc.asyncProperty(anyStage, steps, async ({ policy, begin, tokenLifeSeconds }, drawn) => {
        await using stage = await openStage(policy, begin, tokenLifeSeconds);
        for (const [index, step] of drawn.entries()) {
          await take(stage, step, index);
          await checkBooks(stage);
          taken++;
        }
      }),
      { seed, numRuns: 1, interruptAfterTimeLimit: SHRINKING_MS },
    );
  }
  expect(taken).toBeGreaterThanOrEqual(STEPS);
});

async function take(stage: Stage, step: Step, index: number): Promise<void> {
  const { books } = stage;
  switch (step.kind) {
    case 'take':
      return takeToken(stage, step.user, step.conversation, idOf(index), step.isLost);
    case 'stop':
      return stopAtVendor(stage, step.which, step.refused, step.lost);
    case 'figures':
      return readFigures(stage, step.isDown);
    case 'sweep':
      return sweepUntilDone(stage);
    case 'wait':
      if (books.clock.now().getTime() + step.milliseconds - stage.reconciledAt > LONGEST_SILENCE) {
        await readFigures(stage, false);
      }
      return books.clock.advance(step.milliseconds / SECOND);
    default: {
      const token = stage.tokens.filter(({ userId }) => userId === step.user).at(-1 - step.nth);
      if (token) await useToken(stage, token, step);
    }
  }
}

async function useToken(stage: Stage, token: StolenToken, step: Extract<Step, { nth: number }>): Promise<void> {
  const { books } = stage;
  const runs = books.simulator.sessions().some(({ id, startedAt, endedAt }) => {
    return id === token.avatarSessionId && startedAt !== null && endedAt === null;
  });
  switch (step.kind) {
    case 'startPast':
      await startPast(stage, token);
      return;
    case 'report':
      await books.store.start({ ...token, avatarName: null, isReported: true });
      return;
    case 'startThrough': {
      const meanwhile = async () => {
        if (step.endsMeanwhile) await books.reportEnd(token);
        if (step.stopsMeanwhile) await stopAtVendor(stage, 'all', 0, 0);
      };
      return startThrough(stage, token, { ...step, meanwhile });
    }
    case 'end':
      await books.reportEnd(token);
      return;
    case 'heartbeat':
      await books.store.heartbeat({ ...token, wordsSpoken: null, messagesCount: null });
      if (step.reaches === 'all' && runs) await books.keepAliveAtVendor(token);
      return;
    case 'leave':
      if (runs && step.vanishes) books.simulator.vanish(token.avatarSessionId);
      else if (runs) await books.stopAtVendor(token);
  }
}

function idOf(index: number): string {
  const hex = createHash('sha256').update(`${index}`).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

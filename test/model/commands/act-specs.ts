import { createHash } from 'node:crypto';
import fc from 'fast-check';
import type { ConfirmedStop } from '../../../src/domain/store.ts';
import type { Act } from '../acts.ts';
import { isOpen, type ModelRecord } from '../model.ts';
import { VENDOR } from '../service.ts';
import { USERS, type World } from '../world.ts';

// Which acts are drawn. A drawn act names its record by age ("the user's latest but two"), so that it still means
// something when the sequence is shortened.

interface Who {
  readonly user: number;
  readonly node: 0 | 1;
}

/** The owner of the session that a call names: the caller, another user, or no one. */
type Whose = 'own' | 'foreign' | 'unknown';

export type ActSpec = Who &
  (
    | {
        readonly kind: 'hold';
        readonly conversation: string;
        readonly avatar: string;
        readonly mode: string;
        readonly price: bigint;
        readonly caps: boolean;
      }
    | {
        readonly kind: 'attach';
        readonly nth: number;
        readonly named: boolean;
        readonly whose: Whose;
        readonly token: TokenSpec;
      }
    | {
        readonly kind: 'start';
        readonly nth: number;
        readonly whose: Whose;
        readonly otherConversation: boolean;
        readonly reported: boolean;
      }
    | { readonly kind: 'heartbeat'; readonly nth: number; readonly whose: Whose; readonly words: number | null }
    | { readonly kind: 'end'; readonly nth: number; readonly whose: Whose; readonly error: string | null }
    | { readonly kind: 'close'; readonly nth: number; readonly whose: Whose; readonly reason: CloseReason }
    | { readonly kind: 'failStart'; readonly nth: number; readonly whose: Whose; readonly isFinal: boolean }
    | { readonly kind: 'confirmStart'; readonly nth: number; readonly whose: Whose; readonly ranBefore: boolean }
    | ({ readonly kind: 'confirmStop'; readonly nth: number; readonly whose: Whose } & StopWord)
    | { readonly kind: 'cap'; readonly nth: number; readonly whose: Whose; readonly seconds: number }
    | {
        readonly kind: 'changeLimits';
        readonly minutes: number | null;
        readonly cost: bigint | null;
        readonly active: boolean | null;
      }
  );

type Spec<Kind extends ActSpec['kind']> = Extract<ActSpec, { kind: Kind }>;
/** Whether the vendor's token leaves the service, for how long it can be used, and whether it is kept to be handed out again. */
interface TokenSpec {
  readonly seconds: number | null;
  readonly sealed: boolean;
}
type StopWord = Pick<ConfirmedStop, 'word' | 'expectsFigures'>;
type CloseReason = 'vendor_error' | 'admin_ended' | 'vendor_ended';

const who = { user: fc.nat({ max: USERS.length - 1 }), node: fc.constantFrom(0 as const, 1 as const) };
const nth = fc.oneof({ weight: 5, arbitrary: fc.constant(0) }, { weight: 3, arbitrary: fc.nat({ max: 4 }) });
const whose: fc.Arbitrary<Whose> = fc.oneof(
  { weight: 12, arbitrary: fc.constant('own' as const) },
  { weight: 1, arbitrary: fc.constant('foreign' as const) },
  { weight: 1, arbitrary: fc.constant('unknown' as const) },
);
const rarely = fc.oneof({ weight: 9, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) });

export const anyMinutes = fc.oneof(fc.nat({ max: 12 }), fc.nat({ max: 90 }));
export const anyCost = fc.oneof(fc.bigInt({ min: 0n, max: 9_000_000n }), fc.bigInt({ min: 0n, max: 60_000_000n }));

export const anyMode: fc.Arbitrary<string> = fc.constantFrom('FULL', 'FULL', 'LITE');

export const anyToken: fc.Arbitrary<TokenSpec> = fc.record({
  seconds: fc.constantFrom(null, 20, 100, 3600, 3600),
  sealed: fc.boolean(),
});

export const anyStopWord: fc.Arbitrary<StopWord> = fc.record({
  word: fc.constantFrom('stopped' as const, 'stopped' as const, 'unknown' as const, 'forgotten' as const),
  expectsFigures: fc.constantFrom(true, true, false),
});

export const anyHold = fc.record<Spec<'hold'>>({
  ...who,
  kind: fc.constant('hold'),
  conversation: fc.constantFrom('chat', 'talk', 'call'),
  avatar: fc.constantFrom('default', 'default', 'default', 'other'),
  mode: anyMode,
  price: fc.constantFrom(500_000n, 500_000n, 333_333n, 0n, 7n, 4_999_999n),
  caps: fc.boolean(),
});

const anyStart = fc.record<Spec<'start'>>({
  ...who,
  kind: fc.constant('start'),
  nth,
  whose,
  otherConversation: rarely,
  reported: fc.boolean(),
});
const anyEnd = fc.record<Spec<'end'>>({
  ...who,
  kind: fc.constant('end'),
  nth,
  whose,
  error: fc.constantFrom(null, null, null, 'the tab was closed'),
});

export const anyAct: fc.Arbitrary<ActSpec> = fc.oneof(
  { weight: 4, arbitrary: anyHold },
  {
    weight: 4,
    arbitrary: fc.record<Spec<'attach'>>({
      ...who,
      kind: fc.constant('attach'),
      nth,
      whose,
      named: fc.boolean(),
      token: anyToken,
    }),
  },
  { weight: 5, arbitrary: anyStart },
  {
    weight: 4,
    arbitrary: fc.record<Spec<'heartbeat'>>({
      ...who,
      kind: fc.constant('heartbeat'),
      nth,
      whose,
      words: fc.constantFrom(null, 3, 700),
    }),
  },
  { weight: 4, arbitrary: anyEnd },
  {
    weight: 2,
    arbitrary: fc.record<Spec<'close'>>({
      ...who,
      kind: fc.constant('close'),
      nth,
      whose,
      reason: fc.constantFrom('vendor_error', 'vendor_error', 'admin_ended', 'vendor_ended'),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record<Spec<'failStart'>>({
      ...who,
      kind: fc.constant('failStart'),
      nth,
      whose,
      isFinal: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record<Spec<'confirmStart'>>({
      ...who,
      kind: fc.constant('confirmStart'),
      nth,
      whose,
      ranBefore: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc
      .tuple(fc.record({ ...who, kind: fc.constant('confirmStop' as const), nth, whose }), anyStopWord)
      .map(([act, word]) => ({ ...act, ...word })),
  },
  {
    weight: 1,
    arbitrary: fc.record<Spec<'cap'>>({
      ...who,
      kind: fc.constant('cap'),
      nth,
      whose,
      seconds: fc.integer({ min: 1, max: 900 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record<Spec<'changeLimits'>>({
      ...who,
      kind: fc.constant('changeLimits'),
      minutes: fc.option(anyMinutes),
      cost: fc.option(anyCost),
      active: fc.constantFrom(null, null, true, true, false),
    }),
  },
);

/** The call that a drawn act means now; null if there is nothing for it to act on. */
export function resolve(world: World, spec: ActSpec): Act | null {
  const userId = USERS[spec.user] ?? USERS[0];
  const call = { userId, node: spec.node };
  switch (spec.kind) {
    case 'hold': {
      const request = {
        recordId: nextId(world),
        userId,
        sessionId: spec.conversation,
        avatarName: spec.avatar,
        vendor: VENDOR,
        vendorMode: spec.mode,
        pricePerMinute: spec.price,
        vendorCaps: spec.caps,
      };
      return { ...call, kind: 'hold', request };
    }
    case 'changeLimits': {
      const { minutes: limitMinutes, cost: limitCost, active: isActive } = spec;
      return { ...call, kind: 'changeLimits', request: { userId, limitMinutes, limitCost, isActive } };
    }
    case 'attach': {
      const record = recordOf(world, spec, 'own');
      // only create-token attaches, before the token goes out: nothing can have started
      if (!record || record.status === 'active') return null;
      const recordId = spec.whose === 'own' ? record.id : nextId(world);
      const named = record.attached ? record.streamId : spec.named ? `stream-${record.id}` : null;
      return {
        ...call,
        kind: 'attach',
        request: {
          recordId,
          userId,
          avatarSessionId: named,
          tokenHash: new Uint8Array(32),
          ...tokenOf(world, spec.token, recordId),
        },
      };
    }
    case 'close': {
      const record = recordOf(world, spec, 'own');
      if (!record) return null;
      const recordId = spec.whose === 'own' ? record.id : nextId(world);
      return { ...call, kind: 'close', request: { recordId, userId, reason: spec.reason, errorMessage: null } };
    }
    case 'start': {
      const record = recordOf(world, spec, spec.whose);
      if (!record) return null;
      const sessionId = spec.otherConversation ? 'elsewhere' : record.sessionId;
      const avatarSessionId = streamOf(world, record, spec.whose);
      return {
        ...call,
        kind: 'start',
        request: { userId, sessionId, avatarSessionId, avatarName: null, isReported: spec.reported },
      };
    }
    case 'failStart':
    case 'confirmStart':
    case 'confirmStop':
    case 'cap': {
      const record = recordOf(world, spec, 'own');
      if (!record) return null;
      const named = { recordId: spec.whose === 'own' ? record.id : nextId(world), userId };
      if (spec.kind === 'confirmStop') {
        // what nobody has asked the vendor to stop, it does not confirm
        if (!world.users.get(userId)?.stops.has(record.id)) return null;
        const { word, expectsFigures } = spec;
        return { ...call, kind: 'confirmStop', request: { ...named, word, expectsFigures } };
      }
      if (spec.kind === 'cap') return { ...call, kind: 'cap', request: { ...named, capSeconds: spec.seconds } };
      if (spec.kind === 'confirmStart') {
        return { ...call, kind: 'confirmStart', request: { ...named, ranBefore: spec.ranBefore } };
      }
      const { isFinal } = spec;
      return { ...call, kind: 'failStart', request: { ...named, errorMessage: 'the vendor is down', isFinal } };
    }
    case 'heartbeat':
    case 'end': {
      const record = recordOf(world, spec, spec.whose);
      if (!record) return null;
      const avatarSessionId = streamOf(world, record, spec.whose);
      const totals = { wordsSpoken: spec.kind === 'heartbeat' ? spec.words : 5, messagesCount: null };
      const request = { userId, avatarSessionId, ...totals };
      if (spec.kind === 'heartbeat') return { ...call, kind: 'heartbeat', request };
      return { ...call, kind: 'end', request: { ...request, errorMessage: spec.error } };
    }
  }
}

function tokenOf({ now }: World, { seconds, sealed }: TokenSpec, recordId: string) {
  return {
    ...(sealed && { sealedToken: `sealed-${recordId}` }),
    ...(seconds !== null && { tokenEndsAt: new Date(now + seconds * 1000) }),
  };
}

/** The user's latest record but so many, those still open before all others; or the next user's. */
function recordOf({ users }: World, spec: { user: number; nth: number }, whose: Whose): ModelRecord | undefined {
  const owner = USERS[(spec.user + (whose === 'foreign' ? 1 : 0)) % USERS.length] ?? USERS[0];
  const records = users.get(owner)?.records.toReversed() ?? [];
  return [...records.filter(isOpen), ...records.filter((record) => !isOpen(record))][spec.nth];
}

/** The vendor's id; where the vendor names a stream only at its start, the one it will have. */
function streamOf(world: World, record: ModelRecord, whose: Whose): string {
  if (whose === 'unknown') return `unknown-${world.names++}`;
  return record.streamId ?? `late-${record.id}`;
}

function nextId(world: World): string {
  const hex = createHash('sha256')
    .update(`${world.names++}`)
    .digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

import type { Clock } from '../../domain/clock.ts';
import { VendorFailure } from '../../domain/errors.ts';
import type {
  AvatarVendor,
  MintRequest,
  OnUnreadable,
  Patience,
  StopWord,
  VendorSession,
} from '../../domain/vendor.ts';
import { type Call, createClient } from '../http/client.ts';
import { checkPage, readEntries } from '../http/entries.ts';
import { tokenEnd } from '../http/token-end.ts';
import { Anything, Credits, Entry, isActive, Minted, Page, toVendorSession } from './answers.ts';
import { type LiveAvatarAvatar, type LiveAvatarMode, mintBody, SANDBOX_AVATAR_ID } from './avatars.ts';
import { creditsPerMinute, SANDBOX } from './credits.ts';
import { LIVEAVATAR } from './dialect.ts';
import { vendorStopReason } from './stop-reason.ts';

export interface LiveAvatarOptions {
  /** Such as `https://api.liveavatar.com`, with or without a path. */
  readonly baseUrl: string;
  readonly apiKey: string;
  /** For avatars that do not say their own. */
  readonly mode: LiveAvatarMode;
  /** By avatar name. Empty for the simulated vendor: any name is known and shows the sandbox avatar, at full price. */
  readonly avatars: Readonly<Record<string, LiveAvatarAvatar>>;
  /** What is stored on usage records. @default 'liveavatar' */
  readonly name?: string | undefined;
  /** Milliseconds for one call. @default 10000 */
  readonly timeoutMs?: number | undefined;
  /** How long a token can be used that does not say so itself. @default an hour */
  readonly tokenLifeSeconds?: number | undefined;
  /** Reads Retry-After where it is a date. @default the system's clock */
  readonly clock?: Clock | undefined;
  /** When the account's memory begins: for the simulated vendor, which forgets everything when it ends. @default null */
  readonly remembersFrom?: Date | undefined;
}

/** The largest page that the vendor gives. */
const PAGE_SIZE = 100;

const atOnce: Patience = (request) => request();

/**
 * LiveAvatar over HTTP (LiveAvatar API reference, sessions/* and users/credits).
 *
 * Nothing is retried here: each caller knows best how long its call may take.
 *
 * @throws TypeError if the base URL is not a URL.
 */
export function createLiveAvatarVendor(options: LiveAvatarOptions): AvatarVendor {
  const avatars = new Map(Object.entries(options.avatars));
  const anyName: LiveAvatarAvatar | undefined = avatars.size === 0 ? { avatarId: SANDBOX_AVATAR_ID } : undefined;
  const clock = options.clock ?? (() => new Date());
  const call = createClient(LIVEAVATAR, {
    baseUrl: options.baseUrl,
    apiKey: options.apiKey,
    timeoutMs: options.timeoutMs ?? 10_000,
    clock,
  });
  const get = async (avatarSessionId: string): Promise<VendorSession> => {
    const entry = await call('GET', `/v1/sessions/${encodeURIComponent(avatarSessionId)}`, Entry);
    return toVendorSession(entry, isActive(entry));
  };

  return {
    name: options.name ?? 'liveavatar',
    capabilities: {
      capAtMint: true,
      keepAlive: true,
      list: true,
      balance: true,
    },
    remembersFrom: options.remembersFrom ?? null,
    avatarNames: [...avatars.keys()],
    knowsAvatar: (avatarName) => (avatars.get(avatarName) ?? anyName) !== undefined,
    modeOf(avatarName) {
      const avatar = avatars.get(avatarName) ?? anyName;
      return avatar?.sandbox ? SANDBOX : (avatar?.mode ?? options.mode);
    },
    sdkClaims(avatarName) {
      const mode = (avatars.get(avatarName) ?? anyName)?.mode ?? options.mode;
      return { start_session_data: { mode } };
    },
    creditsPerMinute,

    async mint(request: MintRequest) {
      const avatar = avatars.get(request.avatarName) ?? anyName;
      if (!avatar) throw new VendorFailure('invalid', `No LiveAvatar ids are configured for ${request.avatarName}`);
      const body = mintBody(avatar, avatar.mode ?? options.mode, request);
      const minted = await call('POST', '/v1/sessions/token', Minted, body);
      const { session_id: avatarSessionId, session_token: token } = minted;
      return { avatarSessionId, token, endsAt: tokenEnd(token, clock(), options.tokenLifeSeconds) };
    },

    async stop(avatarSessionId, reason) {
      const body = { session_id: avatarSessionId, reason: vendorStopReason(reason) };
      try {
        await call('POST', '/v1/sessions/stop', Anything, body);
        return 'stopped';
      } catch (failure) {
        return confirmOver(avatarSessionId, failure as VendorFailure);
      }
    },

    async keepAlive(avatarSessionId) {
      await call('POST', '/v1/sessions/keep-alive', Anything, { session_id: avatarSessionId });
    },

    get,
    listActive: (patience = atOnce, onUnreadable) => list(call, 'active', new Date(0), patience, onUnreadable),
    listEnded: (since, patience = atOnce, onUnreadable) => list(call, 'historic', since, patience, onUnreadable),

    async balance() {
      return (await call('GET', '/v1/users/credits', Credits)).credits_left;
    },
  };

  /**
   * "Not found" is the vendor's word for a session that has ended or was never started, but also what any proxy or a
   * moved address says. Before money is taken for safe, the session itself is asked for.
   */
  async function confirmOver(avatarSessionId: string, failure: VendorFailure): Promise<StopWord> {
    if (failure.kind !== 'gone') throw failure;
    const session = await get(avatarSessionId).catch((error: VendorFailure) => {
      if (error.kind !== 'gone') throw error;
    });
    if (session?.active) {
      throw new VendorFailure('unknown', `LiveAvatar does not find session ${avatarSessionId} to stop, yet it runs`);
    }
    return session ? 'stopped' : 'unknown';
  }
}

/**
 * The vendor's list, newest first, down to sessions created at `since`.
 *
 * Pages are counted, never followed by the answer's address, which would get our key. While sessions come and go the
 * pages shift: a session seen twice is given once, and one can be missed, so ask for it by its id before drawing
 * conclusions. The order is not documented; reading ends with the first page that brings nothing new, or is too old as a whole.
 */
async function* list(
  call: Call,
  type: 'active' | 'historic',
  since: Date,
  patience: Patience,
  onUnreadable: OnUnreadable | undefined,
): AsyncGenerator<VendorSession> {
  const seen = new Set<string>();
  for (let page = 1; ; page += 1) {
    checkPage(page, 'LiveAvatar');
    const path = `/v1/sessions?type=${type}&page=${page}&page_size=${PAGE_SIZE}`;
    const { next, results } = await patience(() => call('GET', path, Page));
    const entries = readEntries(results, { schema: Entry, idKey: 'id', onUnreadable });
    const wanted = entries.filter((entry) => entry.created_at >= since && !seen.has(entry.id));
    for (const { id } of wanted) seen.add(id);
    yield* wanted.map((entry) => toVendorSession(entry, type === 'active'));
    const hasUnreadable = entries.length < results.length;
    if (!next || (wanted.length === 0 && !hasUnreadable)) return;
  }
}

import type { Clock } from '../../domain/clock.ts';
import { VendorFailure } from '../../domain/errors.ts';
import type { AvatarVendor, OnUnreadable, Patience, StopWord, VendorSession } from '../../domain/vendor.ts';
import { createClient } from '../http/client.ts';
import { readEntries } from '../http/entries.ts';
import { tokenEnd } from '../http/token-end.ts';
import { Active, ActiveEntry, ActiveIds, Anything, activeSession, Minted, Quota } from './answers.ts';
import { creditsOfQuota, creditsPerMinute, INTERACTIVE } from './credits.ts';
import { HEYGEN } from './dialect.ts';
import { listHistory } from './history.ts';

export interface HeyGenOptions {
  /** Such as `https://api.heygen.com`, with or without a path. */
  readonly baseUrl: string;
  readonly apiKey: string;
  /** What is stored on usage records. @default 'heygen' */
  readonly name?: string | undefined;
  /** Milliseconds for one call. @default 10000 */
  readonly timeoutMs?: number | undefined;
  /** How long a token can be used that does not say so itself. @default an hour */
  readonly tokenLifeSeconds?: number | undefined;
  /** Counts the seconds of running sessions. @default the system's clock */
  readonly clock?: Clock | undefined;
  /** When the account's memory begins: for the simulated vendor, which forgets everything when it ends. @default null */
  readonly remembersFrom?: Date | undefined;
}

const atOnce: Patience = (request) => request();

/**
 * HeyGen's Interactive Avatar over HTTP (HeyGen's API reference, streaming.*), retired by its vendor in March 2026; self-hosted
 * gateways still speak it.
 *
 * A token opens any number of sessions of any length, and the avatar is chosen when one is opened: what caps a session is
 * our deadline and our stop. Nothing is retried here: each caller knows best how long its call may take.
 *
 * @throws TypeError if the base URL is not a URL.
 */
export function createHeyGenVendor(options: HeyGenOptions): AvatarVendor {
  const clock = options.clock ?? (() => new Date());
  const { baseUrl, apiKey, timeoutMs = 10_000 } = options;
  const call = createClient(HEYGEN, { baseUrl, apiKey, timeoutMs, clock });

  async function* listActive(patience = atOnce, onUnreadable?: OnUnreadable): AsyncGenerator<VendorSession> {
    const { data } = await patience(() => call('GET', '/v1/streaming.list', Active));
    const now = clock();
    const entries = readEntries(data.sessions, { schema: ActiveEntry, idKey: 'session_id', onUnreadable });
    yield* entries.map((entry) => activeSession(entry, now));
  }
  const listEnded = (since: Date, patience = atOnce, onUnreadable?: OnUnreadable) =>
    listHistory(call, since, activeIds, patience, onUnreadable);

  return {
    name: options.name ?? 'heygen',
    capabilities: {
      capAtMint: false,
      keepAlive: true,
      list: true,
      balance: true,
    },
    remembersFrom: options.remembersFrom ?? null,
    avatarNames: [],
    knowsAvatar: () => true,
    modeOf: () => INTERACTIVE,
    sdkClaims: () => ({}),
    creditsPerMinute,

    async mint() {
      const { data } = await call('POST', '/v1/streaming.create_token', Minted);
      return {
        avatarSessionId: null,
        token: data.token,
        endsAt: tokenEnd(data.token, clock(), options.tokenLifeSeconds),
      };
    },

    async stop(avatarSessionId) {
      try {
        await call('POST', '/v1/streaming.stop', Anything, { session_id: avatarSessionId });
        return 'stopped';
      } catch (failure) {
        return confirmOver(avatarSessionId, failure as VendorFailure);
      }
    },

    async keepAlive(avatarSessionId) {
      await call('POST', '/v1/streaming.keep_alive', Anything, { session_id: avatarSessionId });
    },

    /** There is no call for one session: both lists are searched, the history as far as it goes. */
    async get(avatarSessionId) {
      const onUnreadable: OnUnreadable = ({ avatarSessionId: named, problem }) => {
        if (named === null || named === avatarSessionId) throw new VendorFailure('unknown', problem);
      };
      for (const sessions of [listActive(atOnce, onUnreadable), listEnded(new Date(0), atOnce, onUnreadable)]) {
        for await (const session of sessions) if (session.avatarSessionId === avatarSessionId) return session;
      }
      throw new VendorFailure('gone', `HeyGen lists no session ${avatarSessionId}`);
    },

    listActive,
    listEnded,

    async balance() {
      return creditsOfQuota((await call('GET', '/v2/user/remaining_quota', Quota)).data.remaining_quota);
    },
  };

  async function activeIds(patience = atOnce): Promise<ReadonlySet<string>> {
    const { data } = await patience(() => call('GET', '/v1/streaming.list', ActiveIds));
    return new Set(data.sessions.map(({ session_id }) => session_id));
  }

  /**
   * A session that has ended is refused as closed or as not found, but "not found" is also what any proxy or a moved address
   * says. Before money is taken for safe, the active sessions are asked for.
   */
  async function confirmOver(avatarSessionId: string, failure: VendorFailure): Promise<StopWord> {
    if (failure.kind !== 'gone') throw failure;
    if ((await activeIds()).has(avatarSessionId)) {
      throw new VendorFailure('unknown', `HeyGen does not find session ${avatarSessionId} to stop, yet it runs`);
    }
    // A session has a name here only once it was opened.
    return 'stopped';
  }
}

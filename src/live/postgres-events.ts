import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { AccountThreshold, QuotaEvent, QuotaEvents, QuotaListener, QuotaThreshold } from '../domain/events.ts';

const QUOTA_EVENTS = 'quota_events';
const QUOTA_ALERTS = 'quota_alerts';
const QUOTA_DUE = 'quota_due';
const ACCOUNT_EVENTS = 'account_events';
const RECONNECT_MS = 500;
/** How often the connection is asked whether it still lives, and how long it may take to answer. */
const PROBE_MS = 5_000;
const ANSWER_MS = 3_000;

/** A change of a quota as it is notified. */
type Message = Omit<QuotaEvent, 'at'> & { readonly at: number };

interface PostgresEventsOptions {
  readonly url: string;
  /** Some node has announced that something falls due at this moment. */
  readonly onDue: (at: Date) => void;
  /** Called on every node, once for each user, period, limit, and threshold. */
  readonly onQuotaThreshold: (threshold: QuotaThreshold) => void;
  /** Called on every node, once a month for each threshold. */
  readonly onAccountThreshold: (threshold: AccountThreshold) => void;
  /** The connection was lost, or could not be established. It is retried until it stands. */
  readonly onConnectionError: (error: Error) => void;
}

export interface PostgresEvents extends QuotaEvents {
  /** Whether changes are heard at this moment. */
  isConnected(): boolean;
  close(): Promise<void>;
}

/**
 * Hears the changes of all nodes by LISTEN, on one connection of its own. The database delivers them after the commit
 * and in the order of commits.
 *
 * What was sent while the connection was down is lost; so when it is back, every subscriber reads again. A
 * network that swallows everything breaks no connection: one that no longer answers is closed.
 */
export async function createPostgresEvents(options: PostgresEventsOptions): Promise<PostgresEvents> {
  const listeners = new Map<string, Set<QuotaListener>>();
  let client: pg.Client | null = null;
  let retry: NodeJS.Timeout | undefined;
  let reconnecting: Promise<void> | undefined;
  let closed = false;

  async function connect(): Promise<void> {
    const candidate = new pg.Client({
      connectionString: options.url,
      connectionTimeoutMillis: ANSWER_MS,
      query_timeout: ANSWER_MS,
      keepAlive: true,
      application_name: 'avatar-quota events',
    });
    candidate.on('error', options.onConnectionError);
    candidate.on('notification', ({ channel, payload = '' }) => hear(channel, payload));
    try {
      await candidate.connect();
      await candidate.query(
        `LISTEN ${QUOTA_EVENTS}; LISTEN ${QUOTA_ALERTS}; LISTEN ${QUOTA_DUE}; LISTEN ${ACCOUNT_EVENTS}`,
      );
    } catch (error) {
      await candidate.end().catch(options.onConnectionError);
      throw error;
    }
    client = candidate;
    candidate.once('end', () => {
      client = null;
      scheduleReconnect();
    });
  }

  async function probe(asked: pg.Client): Promise<void> {
    try {
      await asked.query('SELECT');
    } catch (error) {
      options.onConnectionError(error as Error);
      await asked.end().catch(options.onConnectionError);
    }
  }

  function scheduleReconnect(): void {
    if (closed) return;
    retry = setTimeout(() => {
      reconnecting = reconnect();
    }, RECONNECT_MS);
  }

  async function reconnect(): Promise<void> {
    try {
      await connect();
      tellMissed();
    } catch (error) {
      options.onConnectionError(error as Error);
      scheduleReconnect();
    }
  }

  function tellMissed(): void {
    options.onDue(new Date(0));
    for (const listener of [...listeners.values()].flatMap((set) => [...set])) listener.missed();
  }

  function hear(channel: string, payload: string): void {
    if (channel === QUOTA_DUE) {
      options.onDue(new Date(Number(payload)));
      return;
    }
    if (channel === QUOTA_ALERTS) {
      options.onQuotaThreshold(JSON.parse(payload));
      return;
    }
    if (channel === ACCOUNT_EVENTS) {
      options.onAccountThreshold(JSON.parse(payload));
      return;
    }
    for (const message of JSON.parse(payload) as Message[]) {
      const event = { ...message, at: new Date(message.at) };
      for (const listener of listeners.get(message.userId) ?? []) listener.changed(event);
    }
  }

  await connect();
  const probing = setInterval(() => {
    if (client) void probe(client);
  }, PROBE_MS);
  return {
    subscribe(userId, listener) {
      const mine = listeners.get(userId) ?? new Set();
      listeners.set(userId, mine.add(listener));
      return () => {
        mine.delete(listener);
        if (mine.size === 0) listeners.delete(userId);
      };
    },
    isConnected: () => client !== null,
    async close() {
      closed = true;
      clearTimeout(retry);
      clearInterval(probing);
      await reconnecting;
      await Promise.race([client?.end(), sleep(ANSWER_MS, undefined, { ref: false })]);
    },
  };
}

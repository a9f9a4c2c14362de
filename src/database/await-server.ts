import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { messageOf } from '../domain/message-of.ts';
import { explainConnection, reasonToWait } from './connection-problem.ts';

const OLDEST_VERSION = 15;
const PAUSE_MS = 500;
const LONGEST_ATTEMPT_MS = 5_000;

interface AwaitServerOptions {
  readonly url: string;
  /** How long to wait for a server that is not ready. */
  readonly patienceMs: number;
  /** Called once, when the waiting begins, with `host:port` and the reason. */
  readonly onWait?: (server: string, reason: string) => void;
  /** Ends the waiting: the promise rejects with its reason. */
  readonly signal?: AbortSignal;
}

/**
 * Resolves when the server accepts connections. One that is still starting is waited for: it refuses connections, is not
 * ready, or its name is unknown.
 *
 * @throws Error that names the setting and says what to do: at once for what waiting does not cure, such as a wrong password
 */
export async function awaitServer({ url, patienceMs, onWait, signal }: AwaitServerOptions): Promise<void> {
  const deadline = Date.now() + patienceMs;
  for (let waiting = false; ; waiting = true) {
    signal?.throwIfAborted();
    const client = createClient(url);
    try {
      await requireVersion(client);
      return;
    } catch (error) {
      const reason = reasonToWait(error);
      if (reason === null || Date.now() + PAUSE_MS > deadline) throw explained(error, client);
      if (!waiting) onWait?.(`${client.host}:${client.port}`, reason);
    }
    await sleep(PAUSE_MS, undefined, { ...(signal && { signal }) }).catch(() => {});
  }
}

/** Reads the files that the URL names, such as `sslrootcert`. */
function createClient(url: string): pg.Client {
  try {
    return new pg.Client({
      connectionString: url,
      application_name: 'avatar-quota start',
      connectionTimeoutMillis: LONGEST_ATTEMPT_MS,
    });
  } catch (cause) {
    throw new Error(`DATABASE_URL cannot be used: ${messageOf(cause)}. Correct it.`, {
      cause,
    });
  }
}

async function requireVersion(client: pg.Client): Promise<void> {
  client.on('error', () => {}); // a connection that breaks fails the query as well
  await client.connect();
  try {
    const { rows } = await client.query(`SELECT current_setting('server_version_num')::integer / 10000 AS version`);
    if (rows[0].version < OLDEST_VERSION) {
      throw new Error(
        `The server at ${client.host}:${client.port} is PostgreSQL ${rows[0].version}. Set DATABASE_URL to PostgreSQL ${OLDEST_VERSION} or later.`,
      );
    }
  } finally {
    await client.end();
  }
}

/** The error as the operator should read it; any that the connection is not to blame for as it is. */
export function explainedFor(url: string, error: unknown): unknown {
  return explained(error, createClient(url));
}

function explained(error: unknown, { host, port, user = '', database = '' }: pg.Client): unknown {
  const explanation = explainConnection(error, { host, port, user, database });
  return explanation === null ? error : new Error(explanation, { cause: error });
}

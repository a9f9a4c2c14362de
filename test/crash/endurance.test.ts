import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { startService } from '../../src/compose.ts';
import { loadConfig } from '../../src/config.ts';
import { auditBooks } from '../../src/database/audit.ts';
import { socketClient, type TestClient } from '../support/clients.ts';
import { createTestDatabase } from '../support/database.ts';
import { callSdk } from '../support/sdk-calls.ts';
import { conversation, post } from '../support/service.ts';
import { issueUserToken, settingsFor } from '../support/settings.ts';
import { startSimulatorProcess } from '../support/simulator-process.ts';
import { openStream } from '../support/sse.ts';
import { waitFor } from '../support/wait-for.ts';

const CYCLES = Number(process.env.ENDURANCE_CYCLES ?? 10_000);
const WARM_UP_CYCLES = 1_000;
const USERS = 40;
/** So many of them watch over both transports, and so many call by HTTP; the others call over their socket. */
const WATCHERS = 4;
const CALLERS_BY_HTTP = 2;
/** After so many cycles a user's socket, and what goes with it, is reopened. */
const CYCLES_PER_SOCKET = 25;
const MOST_GROWTH_BYTES = 10 * 1024 * 1024;

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

it(`after ${CYCLES} full cycles nothing is held, nothing listens, nothing is timed and memory has not grown`, {
  timeout: 120_000 + CYCLES * 30,
}, async () => {
  await using simulator = await startSimulatorProcess();
  await using database = await createTestDatabase();
  const idle = resources();
  const service = await startService(
    loadConfig({
      ...settingsFor(simulator.url),
      DATABASE_URL: database.url,
      PORT: '0',
      MAX_TOKENS_PER_MINUTE: '100000',
      DEFAULT_MONTHLY_LIMIT_MINUTES: '1000000',
      DEFAULT_MONTHLY_LIMIT_COST: '1000000',
      // A stop that is confirmed late leaves nothing that waits for the vendor's figures.
      RECONCILE_INTERVAL_SECONDS: '0',
    }),
    pino({ level: 'silent' }),
  );
  const runningIdle = async () => {
    await waitFor(async () => (await database.query(PENDING)).length === 0);
    await waitFor(async () => (await database.query(CONNECTIONS)).length === 1);
    await waitFor(async () => resources().TCPSocketWrap === 1);
    return { resources: resources(), heap: heapInUse() };
  };
  try {
    await runCycles(service, WARM_UP_CYCLES);
    const before = await runningIdle();
    const from = Date.now();
    await runCycles(service, CYCLES);
    const seconds = (Date.now() - from) / 1000;
    const after = await runningIdle();

    const growth = after.heap - before.heap;
    console.log(
      `${CYCLES} cycles in ${seconds.toFixed(1)} s; heap ${megabytes(before.heap)} MB, then ${megabytes(after.heap)} MB; ` +
        `${JSON.stringify(after.resources)}`,
    );
    expect(after.resources).toEqual(before.resources);
    expect(growth).toBeLessThan(MOST_GROWTH_BYTES);
    expect(await database.query('SELECT * FROM usage_quotas WHERE held_seconds <> 0 OR held_cost <> 0')).toEqual([]);
    expect(
      await database.query('SELECT status, end_reason, count(*)::integer FROM avatar_usage_records GROUP BY 1, 2'),
    ).toEqual([{ status: 'completed', end_reason: 'user_ended', count: WARM_UP_CYCLES + CYCLES }]);
    expect(await auditBooks({ query: async (sql) => ({ rows: await database.query(sql) }) })).toEqual([]);
  } finally {
    await service.stop();
  }
  await waitFor(async () => !('TCPSocketWrap' in resources()));
  expect(resources()).toEqual(idle);
});

/** Open records, and stops that the vendor has not confirmed. */
const PENDING = `
  SELECT id FROM avatar_usage_records WHERE status IN ('reserved', 'active')
  UNION ALL SELECT record_id FROM vendor_stops WHERE confirmed_at IS NULL`;

/** When nothing happens, the service keeps the connection that listens. */
const CONNECTIONS = `
  SELECT application_name FROM pg_stat_activity
  WHERE datname = current_database() AND application_name LIKE 'avatar-quota%'`;

type Call = (document: string, input: object) => Promise<Record<string, Answer> | null | undefined>;

async function runCycles(service: { url: string }, cycles: number): Promise<void> {
  let left = cycles;
  await Promise.all(
    Array.from({ length: USERS }, async (_, user) => {
      const token = await issueUserToken(`user-${user}`);
      while (left > 0) {
        await using client = socketClient({ webSocketUrl: webSocketUrl(service) }, token, { lazy: false });
        await using _watching = user < WATCHERS ? await watch(service, token, client) : null;
        const call: Call =
          user >= USERS - CALLERS_BY_HTTP
            ? async (document, input) =>
                (await post<Record<string, Answer>>(service, token, document, { input })).body.data
            : (document, input) => client.run(document, { input });
        for (let cycle = 0; cycle < CYCLES_PER_SOCKET && left > 0; cycle++) {
          left -= 1;
          await runCycle(service, call);
        }
      }
    }),
  );
}

async function runCycle(service: { url: string }, call: Call): Promise<void> {
  const sessionId = conversation();
  const created = await call(CREATE_TOKEN, { sessionId });
  const avatarSessionId = created?.createToken?.record?.avatarSessionId ?? '';
  await callSdk(service, 'start', created?.createToken?.token ?? '');
  const started = await call(TRACK_START, { sessionId, avatarSessionId });
  const ended = await call(TRACK_END, { avatarSessionId });
  const types = [created?.createToken, started?.trackStart, ended?.trackEnd].map((answer) => answer?.__typename);
  expect(types).toEqual(['CreateTokenSuccess', 'TrackStartSuccess', 'TrackEndSuccess']);
}

/** Watches the quota over the socket and by a stream, until disposed. */
async function watch(service: { url: string }, token: string, client: TestClient): Promise<AsyncDisposable> {
  const stream = await openStream(service, token);
  const inbox = client.watchQuota();
  await Promise.all([inbox.take(1), stream.events.take(1)]);
  return {
    async [Symbol.asyncDispose]() {
      inbox.unsubscribe();
      await stream[Symbol.asyncDispose]();
    },
  };
}

function webSocketUrl({ url }: { url: string }): string {
  return `${url.replace('http', 'ws')}/graphql`;
}

interface Answer {
  readonly __typename: string;
  readonly token?: string;
  readonly record?: { readonly avatarSessionId: string };
}

/** As small as they can be: what is looked for lies beneath the answers. */
const CREATE_TOKEN = `mutation ($input: CreateTokenInput!) {
  createToken(input: $input) { __typename ... on CreateTokenSuccess { token record { avatarSessionId } } }
}`;
const TRACK_START = 'mutation ($input: TrackStartInput!) { trackStart(input: $input) { __typename } }';
const TRACK_END = 'mutation ($input: TrackEndInput!) { trackEnd(input: $input) { __typename } }';

/** After as many collections as it takes until no more is freed. */
function heapInUse(): number {
  let least = Number.POSITIVE_INFINITY;
  for (let rounds = 0; rounds < 10; rounds++) {
    collectGarbage();
    const { heapUsed, external } = process.memoryUsage();
    if (heapUsed + external > least * 0.999) break;
    least = heapUsed + external;
  }
  return least;
}

function megabytes(bytes: number): string {
  return (bytes / 1024 / 1024).toFixed(1);
}

/** What keeps this process busy, each kind with its count. */
function resources(): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of process.getActiveResourcesInfo().sort()) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

import { rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { expect, it } from 'vitest';
import { auditBooks } from '../../src/database/audit.ts';
import { startEmbeddedPostgres } from '../../src/embedded-postgres/embedded-postgres.ts';
import { startSimulator } from '../../src/vendors/simulator/server.ts';
import { isRunning } from '../../src/vendors/simulator/sessions.ts';
import { type Acknowledged, startLoad } from '../support/crash-load.ts';
import { createDataDirectory } from '../support/data-directory.ts';
import { readServerPid, waitForExit } from '../support/embedded-process.ts';
import { HELD_WITHOUT_CAUSE } from '../support/holds.ts';
import { type NodeProcess, runProgram, startNodeProcess } from '../support/node-process.ts';
import { createRandom } from '../support/random.ts';
import { settingsFor, VENDOR_KEY } from '../support/settings.ts';
import { waitFor } from '../support/wait-for.ts';

const ROUNDS = Number(process.env.CRASH_ROUNDS ?? 20);
const SEED = Number(process.env.CRASH_SEED ?? Date.now() % 2 ** 31);
/** A node answers so many calls at the most, and lives on for at most so many milliseconds. */
const MOST_ANSWERS = 150;
const LONGEST_REST_MS = 50;
/** Every so many rounds PostgreSQL dies as well. */
const POSTGRES_DIES_EVERY = 4;

it(`after ${ROUNDS} kills nothing acknowledged is lost, nothing is held without a cause, and every stop is delivered`, {
  timeout: 120_000 + ROUNDS * 15_000,
}, async () => {
  const random = createRandom(SEED);
  console.log(`CRASH_SEED=${SEED} CRASH_ROUNDS=${ROUNDS}`);
  await using parts = new AsyncDisposableStack();
  const dataDir = await createDataDirectory();
  parts.defer(() => rm(dataDir, { recursive: true, force: true }));
  const simulator = await startSimulator({ apiKey: VENDOR_KEY });
  parts.defer(() => simulator.close());
  const settings = {
    ...settingsFor(simulator.url),
    DATA_DIR: dataDir,
    PORT: '0',
    LOG_LEVEL: 'error',
    MAX_SESSION_SECONDS: '8',
    MIN_SESSION_SECONDS: '1',
    TOKEN_TTL_SECONDS: '3',
    HEARTBEAT_SECONDS: '1',
    MAX_CONCURRENT_SESSIONS: '1000',
    MAX_TOKENS_PER_MINUTE: '100000',
    DEFAULT_MONTHLY_LIMIT_MINUTES: '100000',
    DEFAULT_MONTHLY_LIMIT_COST: '1000000',
  };
  let current: Promise<NodeProcess> = startNodeProcess(settings);
  parts.defer(async () => (await current)[Symbol.asyncDispose]());
  const load = startLoad({ users: 8, random, url: async () => (await current).url, vendorUrl: simulator.url });
  parts.defer(() => load.stop());

  for (let round = 1; round <= ROUNDS; round++) {
    const node = await current;
    await load.moreAnswers(Math.ceil(random() * MOST_ANSWERS));
    await sleep(random() * LONGEST_REST_MS);
    const { promise: restarted, resolve, reject } = Promise.withResolvers<NodeProcess>();
    current = restarted;
    const postgres = round % POSTGRES_DIES_EVERY === 0 ? await readServerPid(dataDir) : null;
    const nodeFirst = random() < 0.5;
    if (nodeFirst) await node.end('SIGKILL');
    if (postgres) {
      process.kill(postgres, 'SIGKILL');
      await sleep(random() * 200);
    }
    if (!nodeFirst) await node.end('SIGKILL');
    expect(node.errors()).toBe('');
    startNodeProcess(settings).then(resolve, reject);
    await restarted;
  }
  await load.stop();

  const postgres = await startEmbeddedPostgres({ dataDir });
  parts.defer(() => postgres.stop());
  const database = new pg.Client({ connectionString: postgres.url });
  await database.connect();
  parts.defer(() => database.end());
  const read = async <Row extends pg.QueryResultRow>(sql: string) => (await database.query<Row>(sql)).rows;

  await waitFor(async () => {
    const rows = await read(`
      SELECT id FROM avatar_usage_records WHERE status IN ('reserved', 'active')
      UNION ALL SELECT record_id FROM vendor_stops WHERE confirmed_at IS NULL`);
    return rows.length === 0;
  });
  expect(load.unexpected).toEqual([]);
  const records = new Map((await read<RecordRow>(RECORDS)).map((record) => [record.id, record]));
  const lost = load.acknowledged.filter((entry) => !keeps(records.get(entry.recordId), entry));
  expect(lost).toEqual([]);
  expect(await read(HELD_WITHOUT_CAUSE)).toEqual([]);
  expect(await read(USE_BY_RECORDS)).toEqual(await read(USE_BY_QUOTAS));
  expect(await read(UNSTOPPED)).toEqual([]);
  expect(simulator.sessions().filter(isRunning)).toEqual([]);
  expect(await auditBooks(database)).toEqual([]);
  expect(await runProgram('scripts/audit.ts', settings)).toMatchObject({ code: 0, errors: '' });

  const ends = load.acknowledged.filter(({ end }) => end);
  console.log(
    `${load.acknowledged.length} tokens, ${load.acknowledged.filter(({ startedAt }) => startedAt).length} starts and ` +
      `${ends.length} ends acknowledged, ${load.unanswered()} calls cut off, ${records.size} records`,
  );
  const serverPid = await readServerPid(dataDir);
  const last = await current;
  expect(await last.end('SIGTERM')).toEqual({ code: 0, signal: null });
  expect(last.errors()).toBe('');
  await database.end();
  await postgres.stop();
  await waitForExit(serverPid);
});

interface RecordRow {
  readonly id: string;
  readonly userId: string;
  readonly sessionId: string;
  readonly avatarSessionId: string;
  readonly grantSeconds: number;
  readonly startedAt: Date | null;
  readonly words: number;
  readonly status: string;
  readonly endReason: string;
  readonly seconds: number;
}

const RECORDS = `
  SELECT id, user_id AS "userId", session_id AS "sessionId", avatar_session_id AS "avatarSessionId",
    grant_seconds AS "grantSeconds", session_started_at AS "startedAt", words_spoken AS words, upper(status::text) AS status,
    upper(end_reason::text) AS "endReason", duration_seconds AS seconds
  FROM avatar_usage_records`;

const USE_BY_RECORDS = `
  SELECT user_id, sum(duration_seconds)::integer AS seconds, sum(estimated_cost)::text AS cost,
    count(session_started_at)::integer AS sessions
  FROM avatar_usage_records WHERE user_id LIKE 'user-%' GROUP BY user_id ORDER BY user_id`;

const USE_BY_QUOTAS = `
  SELECT user_id, sum(used_seconds)::integer AS seconds, sum(used_cost)::text AS cost, sum(session_count)::integer AS sessions
  FROM usage_quotas WHERE user_id LIKE 'user-%' GROUP BY user_id ORDER BY user_id`;

/** Whatever was named by the vendor was stopped there. */
const UNSTOPPED = `
  SELECT r.id FROM avatar_usage_records AS r LEFT JOIN vendor_stops AS s ON s.record_id = r.id
  WHERE r.user_id LIKE 'user-%' AND r.avatar_session_id IS NOT NULL AND s.confirmed_at IS NULL`;

/** Whether the record is as it was acknowledged. */
function keeps(record: RecordRow | undefined, entry: Acknowledged): boolean {
  const { userId, sessionId, avatarSessionId, maxDurationSeconds, startedAt, wordsSpoken, end } = entry;
  return (
    record !== undefined &&
    record.userId === userId &&
    record.sessionId === sessionId &&
    record.avatarSessionId === avatarSessionId &&
    record.grantSeconds === maxDurationSeconds &&
    (!startedAt || record.startedAt?.getTime() === Date.parse(startedAt)) &&
    record.words >= wordsSpoken &&
    (!end ||
      (record.status === end.status && record.endReason === end.endReason && record.seconds === end.durationSeconds))
  );
}

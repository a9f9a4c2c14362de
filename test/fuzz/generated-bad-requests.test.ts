import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { createLogger } from '../../src/server/log.ts';
import { anyBadRequest, type BadRequest } from '../support/bad-requests.ts';
import { dumpDatabase } from '../support/dump.ts';
import { expectNoInternals } from '../support/leaks.ts';
import { createToken, QUOTA, startSession } from '../support/operations.ts';
import { sendBytes, sendRequest } from '../support/raw-http.ts';
import { openSocket } from '../support/raw-socket.ts';
import { post, startTestService, type TestService } from '../support/service.ts';

const REQUESTS = 10_000;
const AT_ONCE = 20;
/** A run is repeated with `SEED=…`. */
const SEED = Number(process.env.SEED ?? Date.now() % 2 ** 31);
const CODES =
  /^(UNAUTHENTICATED|FORBIDDEN|BAD_USER_INPUT|GRAPHQL_PARSE_FAILED|GRAPHQL_VALIDATION_FAILED|LIMIT_EXCEEDED|SESSION_NOT_FOUND)$/;
const MEMORY_BYTES = 64 * 1024 * 1024;

test(`${REQUESTS} generated bad requests leave the service up and the books as they were (seed ${SEED})`, async () => {
  const unhandled: unknown[] = [];
  const noteUnhandled = (error: unknown) => unhandled.push(error);
  process.on('unhandledRejection', noteUnhandled);
  onTestFinished(() => void process.off('unhandledRejection', noteUnhandled));
  const logged: string[] = [];
  const log = createLogger('error', { write: (line) => logged.push(line) });
  await using service = await startTestService({}, { log });
  const token = await service.token('ann');
  await startSession(service, token);
  await createToken(service, await service.token('bob'));
  const before = await dumpDatabase(service.database);
  const memory = usedMemory();

  await fc.assert(
    fc.asyncProperty(fc.array(anyBadRequest, { minLength: AT_ONCE, maxLength: AT_ONCE }), async (requests) => {
      await Promise.all(requests.map((request) => expectRefused(service, `Bearer ${token}`, request)));
    }),
    { seed: SEED, numRuns: REQUESTS / AT_ONCE, interruptAfterTimeLimit: 110_000, markInterruptAsFailure: true },
  );

  expect((await post(service, token, QUOTA)).body.data).toMatchObject({ quota: { sessionCount: 1 } });
  expect(await dumpDatabase(service.database)).toEqual(before);
  expect(logged).toEqual([]);
  expect(unhandled).toEqual([]);
  expect(usedMemory() - memory).toBeLessThan(MEMORY_BYTES);
}, 120_000);

async function expectRefused(service: TestService, authorization: string, request: BadRequest): Promise<void> {
  if (request.kind === 'message') return expectSocketRefuses(service, authorization, request.message);
  if (request.kind === 'bytes') {
    const { status, body } = await sendBytes(service, request.bytes, { end: true });
    expect([0, 400, 404, 431]).toContain(status);
    expectNoInternals(body);
    return;
  }
  const { method = 'POST', target = '/graphql', headers = {}, body } = request;
  const all = { 'Content-Type': 'application/json', Authorization: authorization, ...headers };
  const answer = await sendRequest(service, method, target, all, body);
  expectNoInternals(answer.body);
  if (answer.status === 200) expectErrors(JSON.parse(answer.body));
  else expect(answer.status).toSatisfy((status: number) => status >= 400 && status < 500);
}

async function expectSocketRefuses(service: TestService, authorization: string, message: string): Promise<void> {
  using socket = await openSocket(service);
  await socket.connect({ authorization });
  socket.send(message);
  const answer = await Promise.race([socket.closed, socket.inbox.find(({ type }) => type !== 'connection_ack')]);
  expectNoInternals(JSON.stringify(answer));
  if ('code' in answer) expect([1009, 4400]).toContain(answer.code);
  else expectErrors(answer.type === 'error' ? { errors: answer.payload } : answer.payload);
}

/** Errors with codes of ours, or a typed refusal. */
function expectErrors(answer: unknown): void {
  const { data, errors } = answer as {
    data?: Record<string, { code: string }>;
    errors?: { extensions: { code: string } }[];
  };
  const codes = errors
    ? errors.map(({ extensions }) => extensions.code)
    : Object.values(data ?? {}).map((refusal) => refusal?.code);
  expect(codes.length).toBeGreaterThan(0);
  for (const code of codes) expect(code).toMatch(CODES);
}

/** In bytes, without what is only waiting to be collected. */
function usedMemory(): number {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
  return process.memoryUsage().heapUsed;
}

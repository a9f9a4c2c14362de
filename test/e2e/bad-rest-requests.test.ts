import { once } from 'node:events';
import { connect } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { createLogger } from '../../src/server/log.ts';
import { anyBadRestRequest, BODY_FIELDS, QUERY_VALUES, toQueryValue } from '../support/bad-rest-requests.ts';
import { dumpDatabase } from '../support/dump.ts';
import { expectNoInternals } from '../support/leaks.ts';
import { startSession } from '../support/operations.ts';
import { type RawAnswer, sendRequest } from '../support/raw-http.ts';
import { conversation, startTestService, type TestService } from '../support/service.ts';

const RUNS = 500;
/** A run is repeated with `SEED=…`. */
const SEED = Number(process.env.SEED ?? Date.now() % 2 ** 31);

let service: TestService;
let authorization: string;
let session: Awaited<ReturnType<typeof startSession>>;
let before: Awaited<ReturnType<typeof dumpDatabase>>;
const logged: string[] = [];

beforeAll(async () => {
  service = await startTestService({}, { log: createLogger('error', { write: (line) => logged.push(line) }) });
  const token = await service.token('ann');
  authorization = `Bearer ${token}`;
  session = await startSession(service, token);
  before = await dumpDatabase(service.database);
});

afterAll(async () => {
  expect(await dumpDatabase(service.database)).toEqual(before);
  expect(logged).toEqual([]);
  await service[Symbol.asyncDispose]();
});

function send(method: string, target: string, body = '', headers: Record<string, string | null> = {}) {
  const all = { Authorization: authorization, 'Content-Type': 'application/json', ...headers };
  return sendRequest(service, method, `/api/v1/${target}`, all, body);
}

/** Checks that an answer is a refusal with this status and code, and nothing else. */
function expectRefusal({ status, body }: RawAnswer, expectedStatus: number, code: string): string {
  expectNoInternals(body);
  const { message, ...rest } = JSON.parse(body);
  expect({ status, ...rest }).toEqual({ status: expectedStatus, success: false, code });
  expect(message).toMatch(/\w+ \w+/);
  return message;
}

describe.each(BODY_FIELDS)('%s with a bad %s', (call, field, bad, besides, required) => {
  const values = Object.entries(required ? { ...bad, null: null, nothing: undefined } : bad);
  it.each(values)('says what is wrong with %s', async (what, value) => {
    const message = expectRefusal(
      await send('POST', call, JSON.stringify({ ...besides, [field]: value })),
      400,
      'BAD_USER_INPUT',
    );
    // which avatars there are is said without the field's name
    expect(message).toMatch(message.startsWith('Unknown avatar') ? (value as string) : `${field}: `);
    if (what === 'nothing') expect(message).toBe(`${field}: This is missing.`);
  });
});

describe.each(QUERY_VALUES)('%s with a bad %s', (call, name, bad) => {
  const values = Object.entries(bad).flatMap(([what, value]) => {
    const text = toQueryValue(value);
    return text === undefined ? [] : [[what, text] as const];
  });
  it.each(values)('says what is wrong with %s', async (_what, value) => {
    const answer = await send('GET', `${call}?${new URLSearchParams({ [name]: value })}`);
    expect(expectRefusal(answer, 400, 'BAD_USER_INPUT')).toMatch(`${name}: `);
  });
});

describe('a body is refused', () => {
  it.each([
    ['that is empty', ''],
    ['that is no JSON', '{"session_id": chat}'],
    ['that breaks off', '{"session_id": "chat'],
    ['that is a number', '5'],
    ['that is null', 'null'],
    ['that is a list', '[{"session_id":"chat"}]'],
    ['of lists without end', '['.repeat(30_000)],
    ['whose session stands in its prototype', '{"__proto__": {"session_id": "chat"}}'],
  ])('%s', async (_what, body) => {
    expectRefusal(await send('POST', 'tokens/create', body), 400, 'BAD_USER_INPUT');
  });

  const large = JSON.stringify({ session_id: 'chat', more: 'x'.repeat(64 * 1024) });

  it('above 64 KiB', async () => {
    expectRefusal(await send('POST', 'tokens/create', large), 413, 'LIMIT_EXCEEDED');
  });

  it('above 64 KiB in chunks', async () => {
    const chunks = [large.slice(0, 40_000), large.slice(40_000)].map(
      (chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`,
    );
    const headers = { 'Content-Length': null, 'Transfer-Encoding': 'chunked' };
    expectRefusal(await send('POST', 'tokens/create', `${chunks.join('')}0\r\n\r\n`, headers), 413, 'LIMIT_EXCEEDED');
  });

  it('far above 64 KiB, and a sender that reads only when it has sent everything comes to read why', async () => {
    const { hostname, port } = new URL(service.url);
    const body = 'x'.repeat(20_000_000);
    const lines = ['POST /api/v1/tokens/create HTTP/1.1', `Host: ${hostname}`, `Authorization: ${authorization}`];
    lines.push('Content-Type: application/json', `Content-Length: ${body.length}`);
    const socket = connect(Number(port), hostname).pause();
    onTestFinished(() => void socket.destroy());
    await new Promise((sent) => socket.write(`${lines.join('\r\n')}\r\n\r\n${body}`, sent));
    const [answer] = await once(socket.resume(), 'data');
    expect(String(answer)).toMatch(/^HTTP\/1.1 413 .*"code":"LIMIT_EXCEEDED"\}$/s);
  });

  it.each(['text/plain', 'application/jsonp', 'application/x-www-form-urlencoded', '', null])(
    'of the content type %s',
    async (type) => {
      const answer = await send('POST', 'tokens/create', '{"session_id":"chat"}', { 'Content-Type': type });
      expectRefusal(answer, 415, 'BAD_USER_INPUT');
    },
  );
});

describe('there is no such call', () => {
  it.each(['', 'tokens', 'tokens/create/', 'tokens/revoke', 'usage/quota/..', 'constructor', '%75sage/quota'])(
    'as /api/v1/%s',
    async (target) => {
      expectRefusal(await send('GET', target), 404, 'NOT_FOUND');
    },
  );

  it.each([
    ['GET', 'tokens/create', 'POST'],
    ['PUT', 'tokens/track-end', 'POST'],
    ['POST', 'usage/quota', 'GET'],
    ['DELETE', 'usage/history', 'GET'],
  ])('as %s %s', async (method, target, allowed) => {
    const answer = await send(method, target, method === 'GET' ? '' : '{}');
    expectRefusal(answer, 405, 'BAD_USER_INPUT');
    expect(answer.headers.get('allow')).toBe(`${allowed}, OPTIONS`);
  });
});

describe.each(['POST tokens/create', 'POST tokens/track-start', 'POST tokens/track-end', 'GET usage/quota'])(
  '%s',
  (call) => {
    const [method = '', target = ''] = call.split(' ');
    it.each([
      ['no token', () => null],
      ['a garbled token', () => 'Bearer garbage'],
      ['another scheme', () => authorization.replace('Bearer', 'Basic')],
    ])('is refused with %s', async (_what, header) => {
      const body = method === 'GET' ? '' : '{';
      const answer = await send(method, target, body, { Authorization: header() });
      expectRefusal(answer, 401, 'UNAUTHENTICATED');
      expect(answer.headers.get('www-authenticate')).toBe('Bearer');
    });
  },
);

it('another user’s session is answered exactly like one that does not exist', async () => {
  const bob = { Authorization: `Bearer ${await service.token('bob')}` };
  for (const [call, more] of [
    ['tokens/track-start', { session_id: session.sessionId }],
    ['tokens/track-end', { words_spoken: 5, error_message: 'stop' }],
  ] as const) {
    const answers = [];
    for (const avatar_session_id of [session.avatarSessionId, conversation()]) {
      answers.push(await send('POST', call, JSON.stringify({ avatar_session_id, ...more }), bob));
    }
    const messages = answers.map((answer) => expectRefusal(answer, 404, 'SESSION_NOT_FOUND'));
    expect(messages[0]).toBe(messages[1]);
  }
});

it(`${RUNS} generated bad requests are refused (seed ${SEED})`, async () => {
  await fc.assert(
    fc.asyncProperty(anyBadRestRequest, async ({ method, target, body, headers }) => {
      const answer = await send(method, target, body, headers);
      expectNoInternals(answer.body);
      expect(answer.status).toBeGreaterThanOrEqual(400);
      expect(answer.status).toBeLessThan(500);
      if (answer.body !== '') expect(JSON.parse(answer.body)).toMatchObject({ success: false });
    }),
    { seed: SEED, numRuns: RUNS, interruptAfterTimeLimit: 60_000, markInterruptAsFailure: true },
  );
}, 70_000);

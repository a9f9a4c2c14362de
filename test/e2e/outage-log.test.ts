import { expect, test } from 'vitest';
import { createTestClock } from '../support/clock.ts';
import { createLogLines } from '../support/log-lines.ts';
import { CREATE_TOKEN } from '../support/operations.ts';
import { cutOff } from '../support/outage.ts';
import { post, startTestService } from '../support/service.ts';
import { MINT } from '../support/vendor-calls.ts';
import { waitFor } from '../support/wait-for.ts';

const messages = (lines: () => { msg: string }[]) => lines().map(({ msg }) => msg);

test('an outage of the database is logged when it begins, every 30 seconds, and when it ends', async () => {
  const clock = createTestClock();
  const { lines, log } = createLogLines('info');
  await using service = await startTestService({}, { clock: clock.now, log });
  {
    await using _outage = await cutOff(service.database);
    await waitFor(async () => messages(lines).length === 1);
    clock.advance(29);
    await waitFor(async () => (await fetch(`${service.url}/readyz`)).status === 503);
    clock.advance(1);
    await waitFor(async () => messages(lines).length === 2);
    clock.advance(30);
    await waitFor(async () => messages(lines).length === 3);
  }
  await waitFor(async () => messages(lines).length === 4);
  expect(lines().map(({ level, msg, seconds }) => [level, msg, seconds])).toEqual([
    ['warn', 'Database unreachable, retrying', undefined],
    ['error', 'Database still unreachable, retrying', 30],
    ['error', 'Database still unreachable, retrying', 60],
    ['info', 'Database reachable again', 60],
  ]);
});

test('a LISTEN connection that is cut and reconnects at once is no outage', async () => {
  const { lines, log } = createLogLines('info');
  await using service = await startTestService({}, { log });
  const ready = async () => (await fetch(`${service.url}/readyz`)).status;
  const [listener] = await service.database.query(LISTENER);
  await service.database.query('SELECT pg_terminate_backend($1)', [listener?.pid]);
  await waitFor(async () => {
    const [now] = await service.database.query(LISTENER);
    return now !== undefined && now.pid !== listener?.pid;
  });
  await waitFor(async () => (await ready()) === 200);
  expect(lines()).toEqual([]);
});

const LISTENER = `
  SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'avatar-quota events'`;

test('an outage of the vendor is logged once for all calls, and when it ends', async () => {
  const clock = createTestClock();
  const { lines, log } = createLogLines('info');
  await using service = await startTestService({}, { clock: clock.now, log });
  const mint = async (userId: string) =>
    post(service, await service.token(userId), CREATE_TOKEN, { input: { sessionId: 'chat' } });

  for (const userId of ['ann', 'bob', 'cyd']) {
    service.simulator.failNext({ path: MINT, status: 503 });
    await mint(userId);
  }
  clock.advance(12);
  await mint('ann');
  expect(lines().map(({ level, msg, seconds }) => [level, msg, seconds])).toEqual([
    ['warn', 'Vendor unavailable', undefined],
    ['info', 'Vendor available again', 12],
  ]);
});

import { expect, it } from 'vitest';
import { readMetrics } from '../support/metrics.ts';
import { createToken, endSession, startSession } from '../support/operations.ts';
import { cutOff } from '../support/outage.ts';
import { startTestService } from '../support/service.ts';
import { waitFor } from '../support/wait-for.ts';

const NOTHING = {
  active_sessions: 0,
  unused_tokens: 0,
  pending_stops: 0,
  oldest_pending_stop_seconds: 0,
  overdue: 0,
  account_cost: 0,
  unreconciled_records: 0,
  set_aside_sessions: 0,
  unattributed_sessions: 0,
  seconds_since_reconciliation: Number.POSITIVE_INFINITY,
};

it.each([
  ['unless it is asked for', {}],
  ['if it is switched off', { METRICS: 'off' }],
])('there is nothing at /metrics %s', async (_when, settings) => {
  await using service = await startTestService(settings as Record<string, string>);
  const response = await fetch(`${service.url}/metrics`);
  expect(response.status).toBe(404);
  expect(await response.json()).toEqual({ message: expect.stringMatching(/^Not found\./) });
});

it('/metrics tells what runs, on every node the same', async () => {
  await using service = await startTestService({ METRICS: 'on' });
  await using other = await service.anotherNode();
  expect(await readMetrics(service)).toMatchObject(NOTHING);
  const ann = await service.token('ann');
  const { avatarSessionId } = await startSession(service, ann);
  await createToken(service, await service.token('bob'));
  for (const node of [service, other]) {
    expect(await readMetrics(node)).toMatchObject({ ...NOTHING, active_sessions: 1, unused_tokens: 1 });
  }
  await endSession(service, ann, avatarSessionId);
  await waitFor(async () => (await readMetrics(other)).pending_stops === 0);
  expect(await readMetrics(other)).toMatchObject({ ...NOTHING, unused_tokens: 1, unreconciled_records: 1 });
});

it('/metrics is in the format of Prometheus, the process’s own figures included', async () => {
  await using service = await startTestService({ METRICS: 'on' });
  const response = await fetch(`${service.url}/metrics`);
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=/);
  const text = await response.text();
  expect(text).toContain('# TYPE avatar_quota_pending_stops gauge\n');
  expect(text).toMatch(/^nodejs_eventloop_lag_p99_seconds /m);
});

it('/metrics says so when the database cannot be reached', async () => {
  await using service = await startTestService({ METRICS: 'on' });
  {
    await using _outage = await cutOff(service.database);
    const response = await fetch(`${service.url}/metrics`);
    expect(response.status).toBe(503);
    expect(await response.json()).toEqual({ message: expect.stringMatching(/database/) });
  }
  await waitFor(async () => (await fetch(`${service.url}/metrics`)).ok);
});

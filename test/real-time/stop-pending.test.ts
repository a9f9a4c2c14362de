import { describe, expect, it } from 'vitest';
import type { Fault } from '../../src/vendors/simulator/faults.ts';
import { readMetrics } from '../support/metrics.ts';
import { endSession, readRecord, startSession } from '../support/operations.ts';
import { startTestService, type TestService } from '../support/service.ts';
import { callsTo, STOP } from '../support/vendor-calls.ts';
import { waitFor } from '../support/wait-for.ts';

/** A service whose vendor fails some stops, and a session that has ended on it. */
async function endedSession(fault: Omit<Fault, 'path'>) {
  const service = await startTestService({ METRICS: 'on' });
  const token = await service.token('ann');
  const { id, avatarSessionId } = await startSession(service, token);
  service.simulator.failNext({ path: STOP, ...fault });
  const { record } = await endSession(service, token, avatarSessionId);
  return {
    service,
    record,
    isPending: async () => (await readRecord(service, token, id)).stopPending,
    attempts: () => callsTo(service, STOP, avatarSessionId).length,
    [Symbol.asyncDispose]: () => service[Symbol.asyncDispose](),
  };
}

/** What stands in the outbox once no attempt is under way. */
async function readOutbox({ database }: TestService) {
  return database.query(
    `SELECT attempts, confirmed_at IS NOT NULL AS confirmed, last_error IS NOT NULL AS failed FROM vendor_stops`,
  );
}

describe.concurrent.each<[string, Omit<Fault, 'path'>]>([
  ['fails', { status: 500 }],
  ['cannot be understood', { status: 200, body: '<html>Welcome</html>' }],
  ['is done, but its answer lost', { closeMidAnswer: true }],
])('a stop that %s', (_what, fault) => {
  it('is pending for the record and the metrics until the vendor confirms it', async () => {
    await using session = await endedSession(fault);
    const { service } = session;
    expect(session.record).toMatchObject({ status: 'COMPLETED', stopPending: true });
    expect(await readMetrics(service)).toMatchObject({ pending_stops: 1 });
    await waitFor(async () => session.attempts() === 1);
    expect(await session.isPending()).toBe(true);

    await waitFor(async () => !(await session.isPending()));
    expect(session.attempts()).toBe(2);
    expect(await readMetrics(service)).toMatchObject({ pending_stops: 0, oldest_pending_stop_seconds: 0 });
    expect(await readOutbox(service)).toEqual([{ attempts: 2, confirmed: true, failed: false }]);
  });
});

describe.concurrent('a stop that is pending when the service stops', () => {
  it('is tried once more', async () => {
    await using session = await endedSession({ status: 500 });
    await waitFor(async () => session.attempts() === 1);
    await session.service.stop();
    expect(session.attempts()).toBe(2);
    expect(await readOutbox(session.service)).toEqual([{ attempts: 2, confirmed: true, failed: false }]);
  });

  it('stays in the outbox if that fails too, and the next start delivers it', async () => {
    await using session = await endedSession({ status: 500, times: 2 });
    await waitFor(async () => session.attempts() === 1);
    await session.service.stop();
    expect(session.attempts()).toBe(2);
    expect(await readOutbox(session.service)).toEqual([{ attempts: 2, confirmed: false, failed: true }]);

    await session.service.restart();
    expect(await session.isPending()).toBe(true);
    expect(await readMetrics(session.service)).toMatchObject({ pending_stops: 1 });
    await waitFor(async () => !(await session.isPending()));
    expect(session.attempts()).toBe(3);
  });

  it('is left to the next start if the vendor does not answer', async () => {
    await using session = await endedSession({ hang: true });
    await waitFor(async () => session.attempts() === 1);
    const stopping = Date.now();
    await session.service.stop();
    expect(Date.now() - stopping).toBeLessThan(8_000);
    expect(await readOutbox(session.service)).toEqual([{ attempts: 1, confirmed: false, failed: false }]);

    await session.service.restart();
    await waitFor(async () => !(await session.isPending()));
    expect(session.attempts()).toBe(2);
  });
});

import { describe, expect, it } from 'vitest';
import { runCommand } from '../support/command.ts';
import { createLogLines } from '../support/log-lines.ts';
import { readMetrics } from '../support/metrics.ts';
import { createToken, readRecord, startSession } from '../support/operations.ts';
import { startTestService, type TestService } from '../support/service.ts';
import { waitFor } from '../support/wait-for.ts';

const LISTS = '/v1/sessions';

it('the running service compares its books with the vendor’s, by itself', async () => {
  await using service = await startTestService({ RECONCILE_INTERVAL_SECONDS: '1', METRICS: 'on' });
  await using _other = await service.anotherNode();
  const ann = await service.token('ann');
  const { token, record } = await createToken(service, ann);
  await useAtVendor(service, token, 'start');

  await waitFor(async () => (await readRecord(service, ann, record.id)).status === 'ACTIVE');
  await useAtVendor(service, token, 'stop');
  await waitFor(async () => (await readRecord(service, ann, record.id)).status === 'COMPLETED');

  expect(await readRecord(service, ann, record.id)).toMatchObject({ endReason: 'VENDOR_ENDED', stopPending: false });
  const embed = service.simulator.embed('FULL');
  await waitFor(async () => (await readMetrics(service)).unattributed_sessions === 1);
  expect(embed).not.toBe(record.avatarSessionId);
  const metrics = await readMetrics(service);
  expect(metrics).toMatchObject({ unreconciled_records: 0 });
  expect(metrics.seconds_since_reconciliation).toBeLessThan(10);
});

it('a vendor that is down is asked again at the next interval', async () => {
  await using service = await startTestService({ RECONCILE_INTERVAL_SECONDS: '1', METRICS: 'on' });
  service.simulator.failNext({ path: LISTS, status: 503 });

  await waitFor(async () => Number.isFinite((await readMetrics(service)).seconds_since_reconciliation));

  const asked = service.simulator.requests().filter(({ path }) => path === LISTS);
  expect(asked.length).toBeGreaterThan(2);
});

it('a session that cannot be read is logged and counted, run after run, and the others are compared', async () => {
  const { lines, log } = createLogLines('warn');
  await using service = await startTestService({ RECONCILE_INTERVAL_SECONDS: '1', METRICS: 'on' }, { log });
  const embed = { id: 'embed', created_at: new Date(), duration: 60, credits_consumed: 2, mode: 'FULL' };
  const results = [{ ...embed, id: 'bad', duration: 'a minute' }, embed];
  const body = { code: 1000, data: { count: 2, next: null, results } };
  service.simulator.failNext({ path: LISTS, status: 200, body, times: 1_000_000 });

  await waitFor(async () => (await readMetrics(service)).set_aside_sessions === 1);
  expect(await readMetrics(service)).toMatchObject({ unattributed_sessions: 1 });
  await waitFor(async () => lines().length >= 2);

  expect(lines()).toContainEqual(
    expect.objectContaining({ level: 'warn', msg: 'Sessions not reconciled, set aside for the next run' }),
  );
  expect(Number.isFinite((await readMetrics(service)).seconds_since_reconciliation)).toBe(true);
});

it('the service stops in the middle of a comparison that the vendor keeps waiting', async () => {
  await using service = await startTestService({ RECONCILE_INTERVAL_SECONDS: '1' });
  service.simulator.failNext({ path: LISTS, hang: true });
  await waitFor(async () => service.simulator.requests().some(({ path }) => path === LISTS));

  await service.stop();
});

describe('npm run reconcile', () => {
  it('corrects the books by hand, and reports the month', async () => {
    await using service = await startTestService({ RECONCILE_INTERVAL_SECONDS: '0', PRICE_PER_MINUTE: '' });
    const { token, record } = await createToken(service, await service.token('ann'));
    await useAtVendor(service, token, 'start');
    await useAtVendor(service, token, 'stop');
    const embed = service.simulator.embed('LITE');
    const month = new Date().toISOString().slice(0, 'YYYY-MM'.length);

    const compared = await runCommand('reconcile', [], service.environment);
    expect(compared).toEqual({
      exitCode: 0,
      stdout: [
        'Compared this month and last month with liveavatar.',
        '',
        'Ended, corrected                    1',
        'Ended, confirmed                    0',
        'Ended, compared before              0',
        'Running                             0',
        'Running, start was not reported     0',
        'Running after its end, stopped      0',
        'Token that was not started          0',
        'Unattributed: no token explains it  1',
        'Not compared, set aside             0',
        '',
      ].join('\n'),
      stderr: '',
    });

    const database = { DATABASE_URL: service.database.url };
    const reported = await runCommand('reconcile', ['--report', month], database);
    expect(reported).toMatchObject({ exitCode: 0, stderr: '' });
    const lines = reported.stdout.trimEnd().split('\n');
    expect(lines).toEqual([
      `${month}, amounts in USD`,
      '',
      'Vendor      Mode  Avatar   Sessions  Estimated  Actual  Difference',
      'liveavatar  FULL  default         1       0.00    0.20           –',
      'Total                             1       0.00    0.20           –',
      '',
      'Sessions that cost more or less than estimated: 1',
      expect.stringMatching(/^ {2}Difference {2}Estimated {8}Actual {8}User {2}Session +Reason$/),
      expect.stringMatching(
        new RegExp(
          `^ {7}\\+0\\.20        0 s  0\\.00     \\d s  0\\.20  ann   liveavatar ${record.avatarSessionId}  used, but its start was not reported \\(USER_CLOSED\\)$`,
        ),
      ),
      '',
      'Unattributed sessions, which no token of this service explains: 1',
      expect.stringMatching(/^ {2}Cost {2}Duration {2}Session +Source +Started$/),
      expect.stringMatching(new RegExp(`^ {2}0\\.10 +\\d s  liveavatar ${embed}  EMBED LITE  \\S+Z  still running$`)),
      '',
      'The vendor bills 0.30 USD: 0.20 USD for sessions of this service, 0.10 USD unattributed.',
    ]);
  });

  it('says what could not be done, and what to do', async () => {
    await using service = await startTestService();
    await startSession(service, await service.token('ann'));
    service.simulator.failNext({ path: LISTS, status: 503 });
    const run = (args: string[], settings: Record<string, string> = {}) =>
      runCommand('reconcile', args, { ...service.environment, ...settings });

    expect(await run([])).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(
        /^The comparison stopped early: .+ answered 503.*\nWhat was compared is saved\. Run the command again\.\n$/,
      ),
    });
    expect(await run(['--report', '2026-13'])).toEqual({
      exitCode: 2,
      stdout: '',
      stderr: '--report must be a month such as 2026-11.\nSee npm run -s reconcile -- --help\n',
    });
    expect(await run([], { VENDOR: 'simulator' })).toEqual({
      exitCode: 1,
      stdout: '',
      stderr:
        'The simulated vendor runs inside the service, which reconciles with it. Use --report, or set VENDOR to liveavatar or heygen.\n',
    });
    expect(await run([], { VENDOR: '', LIVEAVATAR_API_KEY: '' })).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/^VENDOR must be set with DATABASE_URL: [^\n]+\n$/),
    });
    expect((await run(['--report', '2020-01'])).stdout).toContain('The vendor bills 0.00 USD: ');
  });
});

/** The vendor's SDK in the browser. */
async function useAtVendor({ simulator }: TestService, token: string, act: 'start' | 'stop'): Promise<void> {
  const response = await fetch(`${simulator.url}/v1/sessions/${act}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}` },
    ...(act === 'stop' && { body: JSON.stringify({ reason: 'USER_CLOSED' }) }),
  });
  if (!response.ok) throw new Error(`The vendor answered ${response.status}`);
}

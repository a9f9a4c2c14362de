import { expect, test } from 'vitest';
import { createTestClock } from '../support/clock.ts';
import { createLogLines } from '../support/log-lines.ts';
import { runSession } from '../support/operations.ts';
import { startTestService } from '../support/service.ts';
import { waitFor } from '../support/wait-for.ts';

test('a user who crosses a threshold or reaches the limit is logged, with what was crossed', async () => {
  const clock = createTestClock();
  const { lines, log } = createLogLines('info');
  const settings = { DEFAULT_MONTHLY_LIMIT_MINUTES: '5', MIN_SESSION_SECONDS: '1' };
  await using service = await startTestService(settings, { clock: clock.now, log });
  const token = await service.token('ann');

  for (const seconds of [250, 50]) {
    await runSession(service, token, () => clock.advance(seconds));
  }

  await waitFor(async () => lines().length >= 2);
  const crossed = { level: 'info', userId: 'ann', period: '2026-11', limit: 'minutes' };
  expect(lines()).toEqual(
    [
      { ...crossed, thresholdPercent: 80, msg: 'Warning threshold crossed' },
      { ...crossed, thresholdPercent: 100, msg: 'Limit reached' },
    ].map((line) => expect.objectContaining(line)),
  );
});

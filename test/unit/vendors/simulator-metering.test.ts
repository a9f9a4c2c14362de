import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatMoney, parseMoney } from '../../../src/domain/money.ts';
import { chargeStart, creditsPerMinute, meter } from '../../../src/vendors/simulator/metering.ts';
import {
  elapsedMs,
  endSession,
  isRunning,
  mintSession,
  plannedEnd,
  type SessionRequest,
  type SimulatedSession,
  startSession,
} from '../../../src/vendors/simulator/sessions.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const FULL: SessionRequest = {
  mode: 'FULL',
  avatarId: 'dd73ea75-1218-4ef3-92ce-606d5f7fbc0a',
  isSandbox: false,
  requestedCapSeconds: null,
};

/** Started at zero with its first minute paid, and kept alive for an hour. */
function running(request: Partial<SessionRequest> = {}, startedAt = 0, id = 'one'): SimulatedSession {
  const started = startSession(mintSession(id, { ...FULL, ...request }, startedAt), null, startedAt);
  return { ...started, minutesCharged: 1, lastKeepAliveAt: startedAt + 60 * MINUTE };
}

describe('the price of a minute', () => {
  it('is two credits for FULL, one for LITE and nothing in the sandbox', () => {
    expect(creditsPerMinute({ mode: 'FULL', isSandbox: false })).toBe(parseMoney('2'));
    expect(creditsPerMinute({ mode: 'LITE', isSandbox: false })).toBe(parseMoney('1'));
    expect(creditsPerMinute({ mode: 'FULL', isSandbox: true })).toBe(0n);
  });
});

describe('a start', () => {
  it('pays the first minute', () => {
    expect(chargeStart(running(), parseMoney('2'))?.credits).toBe(0n);
  });

  it('is refused when the credits do not reach for one minute', () => {
    expect(chargeStart(running(), parseMoney('1.999999'))).toBeNull();
  });

  it('is free in the sandbox', () => {
    expect(chargeStart(running({ isSandbox: true }), 0n)?.credits).toBe(0n);
  });

  it('takes the lower of the requested cap and the cap of the tier', () => {
    const minted = mintSession('one', { ...FULL, requestedCapSeconds: 600 }, 0);
    expect(startSession(minted, 300, 0).capSeconds).toBe(300);
    expect(startSession(minted, 1200, 0).capSeconds).toBe(600);
    expect(startSession(mintSession('two', FULL, 0), null, 0).capSeconds).toBeNull();
  });
});

describe('metering', () => {
  it('rounds the last minute up, and a session of whole minutes pays for these alone', () => {
    const spent = (now: number) => formatMoney(parseMoney('100') - meter([running()], parseMoney('100'), now).credits);
    expect(spent(1)).toBe('0.00');
    expect(spent(MINUTE)).toBe('0.00');
    expect(spent(MINUTE + 1)).toBe('2.00');
    expect(spent(10 * MINUTE)).toBe('18.00');
  });

  it('comes to the same in many steps as in one', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 20 * MINUTE }), { maxLength: 20 }), (moments) => {
        const sessions = [running(), running({ mode: 'LITE', requestedCapSeconds: 250 }, 7 * SECOND, 'two')];
        const end = 20 * MINUTE;
        const inSteps = [...moments.sort((one, other) => one - other), end].reduce(
          (state, now) => meter(state.sessions, state.credits, now),
          { sessions, credits: parseMoney('21') } as ReturnType<typeof meter>,
        );
        expect(inSteps).toEqual(meter(sessions, parseMoney('21'), end));
      }),
    );
  });

  it('never goes below zero, and what is gone was charged to a session', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ mode: fc.constantFrom('FULL', 'LITE'), startedAt: fc.nat(5 * MINUTE) }), { maxLength: 8 }),
        fc.integer({ min: 0, max: 100 }),
        (requests, credits) => {
          const sessions = requests.map(({ mode, startedAt }, index) => running({ mode }, startedAt, String(index)));
          const before = parseMoney(String(credits));
          const after = meter(sessions, before, 30 * MINUTE);
          const charged = after.sessions.map(
            (session) => creditsPerMinute(session) * BigInt(session.minutesCharged - 1),
          );
          expect(after.credits).toBeGreaterThanOrEqual(0n);
          expect(charged.reduce((sum, amount) => sum + amount, 0n)).toBe(before - after.credits);
        },
      ),
    );
  });

  it('ends a session at the minute that cannot be paid, however late it is read', () => {
    const { sessions, credits } = meter([running()], parseMoney('5'), 60 * MINUTE);
    expect(sessions[0]).toMatchObject({ endedAt: 3 * MINUTE, endReason: 'NO_CREDITS', minutesCharged: 3 });
    expect(formatMoney(credits)).toBe('1.00');
  });

  it('gives the last credits to the session whose minute begins first', () => {
    const late = running({}, 20 * SECOND, 'late');
    const early = running({}, 10 * SECOND, 'early');
    const { sessions } = meter([late, early], parseMoney('2'), 2 * MINUTE);
    expect(sessions[0]).toMatchObject({ id: 'late', endedAt: 80 * SECOND, endReason: 'NO_CREDITS' });
    expect(sessions[1]).toMatchObject({ id: 'early', endedAt: null, minutesCharged: 2 });
  });

  it('does not charge for the time after the cap', () => {
    const capped = { ...running(), capSeconds: 90 };
    const { sessions, credits } = meter([capped], parseMoney('10'), 60 * MINUTE);
    expect(sessions[0]).toMatchObject({ endedAt: 90 * SECOND, endReason: 'MAX_DURATION_REACHED', minutesCharged: 2 });
    expect(formatMoney(credits)).toBe('8.00');
  });
});

describe('the end of a session', () => {
  const started = startSession(mintSession('one', FULL, 0), null, 0);

  it('comes five minutes after the last keep-alive', () => {
    expect(plannedEnd(started)).toEqual({ at: 5 * MINUTE, reason: 'IDLE_TIMEOUT' });
    expect(plannedEnd({ ...started, lastKeepAliveAt: 4 * MINUTE }).at).toBe(9 * MINUTE);
  });

  it('comes three and a half minutes after the client vanished', () => {
    expect(plannedEnd({ ...started, vanishedAt: MINUTE })).toEqual({
      at: 4.5 * MINUTE,
      reason: 'ZOMBIE_SESSION_REAP',
    });
  });

  it('comes after one minute in the sandbox, whatever was asked', () => {
    const sandbox = startSession(
      mintSession('one', { ...FULL, isSandbox: true, requestedCapSeconds: 600 }, 0),
      null,
      0,
    );
    expect(plannedEnd(sandbox)).toEqual({ at: MINUTE, reason: 'MAX_DURATION_REACHED' });
  });

  it('stops the count', () => {
    const ended = endSession(started, { at: 61_500, reason: 'USER_CLOSED' });
    expect(isRunning(ended)).toBe(false);
    expect(elapsedMs(ended, 60 * MINUTE)).toBe(61_500);
    expect(elapsedMs(mintSession('two', FULL, 0), MINUTE)).toBe(0);
  });
});

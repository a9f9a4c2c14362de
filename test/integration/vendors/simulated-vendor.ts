import { onTestFinished } from 'vitest';
import { VendorFailure } from '../../../src/domain/errors.ts';
import type { AvatarVendor, VendorSession } from '../../../src/domain/vendor.ts';
import { createLiveAvatarVendor, type LiveAvatarOptions } from '../../../src/vendors/liveavatar/liveavatar-vendor.ts';
import { type Simulator, type SimulatorOptions, startSimulator } from '../../../src/vendors/simulator/server.ts';

export const API_KEY = 'key-that-must-not-be-seen';
export const OPENING = new Date('2026-11-05T12:00:00Z');

/** The simulated account on a free port, by a clock that stands still until it is moved; gone when the test is. */
export interface SimulatedAccount {
  readonly simulator: Simulator;
  now(): Date;
  /** Moves the clock on. */
  pass(seconds: number): void;
  /** Calls as the vendor's SDK does, with a token. */
  withToken(token: string, path: string, body?: object): Promise<{ status: number; body: SdkAnswer }>;
}

export interface SimulatedVendor extends SimulatedAccount {
  readonly vendor: AvatarVendor;
  /** Mints and starts; gives the id. */
  startSession(maxSessionSeconds?: number): Promise<string>;
}

interface SdkAnswer {
  readonly code: number;
  readonly data: Readonly<Record<string, unknown>> | null;
  readonly message: string;
}

export async function simulateAccount(options: SimulatorOptions): Promise<SimulatedAccount> {
  let now = OPENING;
  const simulator = await startSimulator({ clock: () => now, apiKey: API_KEY, ...options });
  onTestFinished(() => simulator.close());
  return {
    simulator,
    now: () => now,
    pass: (seconds) => {
      now = new Date(now.getTime() + seconds * 1000);
    },
    async withToken(token, path, body) {
      const response = await fetch(`${simulator.url}${path}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}` },
        ...(body && { body: JSON.stringify(body) }),
      });
      return { status: response.status, body: (await response.json()) as SdkAnswer };
    },
  };
}

/** A simulated vendor and the adapter that calls it. */
export async function simulate(
  options: SimulatorOptions = {},
  adapter: Partial<LiveAvatarOptions> = {},
): Promise<SimulatedVendor> {
  const account = await simulateAccount(options);
  const { simulator, withToken, now: clock } = account;
  const vendor = createLiveAvatarVendor({
    baseUrl: simulator.url,
    apiKey: API_KEY,
    mode: 'FULL',
    avatars: {},
    clock,
    ...adapter,
  });
  return {
    ...account,
    vendor,
    async startSession(maxSessionSeconds = 3600) {
      const { token, avatarSessionId } = await vendor.mint({ avatarName: 'Ann', maxSessionSeconds });
      const { status } = await withToken(token, '/v1/sessions/start');
      if (status !== 201 || avatarSessionId === null) throw new Error(`The start was answered ${status}`);
      return avatarSessionId;
    },
  };
}

/** The failure that the call ends in. Fails the test if it succeeds or throws anything else. */
export async function failureOf(call: Promise<unknown>): Promise<VendorFailure> {
  const outcome = await call.then(
    (value) => new Error(`resolved with ${JSON.stringify(value)}`),
    (error: unknown) => error,
  );
  if (outcome instanceof VendorFailure) return outcome;
  throw outcome;
}

export async function collect(sessions: AsyncIterable<VendorSession>): Promise<VendorSession[]> {
  const found: VendorSession[] = [];
  for await (const session of sessions) found.push(session);
  return found;
}

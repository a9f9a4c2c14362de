import { onTestFinished } from 'vitest';
import type { AvatarVendor } from '../../../src/domain/vendor.ts';
import { createHeyGenVendor, type HeyGenOptions } from '../../../src/vendors/heygen/heygen-vendor.ts';
import { type Simulator, type SimulatorOptions, startSimulator } from '../../../src/vendors/simulator/server.ts';
import { API_KEY, OPENING } from './simulated-vendor.ts';

export interface SimulatedHeyGen {
  readonly vendor: AvatarVendor;
  readonly simulator: Simulator;
  now(): Date;
  /** Moves the clock on. */
  pass(seconds: number): void;
  /** Calls as the vendor's SDK does, with a token. */
  withToken(token: string, path: string, body?: object): Promise<{ status: number; body: HeyGenAnswer }>;
  /** Opens and starts a session with a token of its own; gives the id. */
  startSession(request?: object): Promise<string>;
}

interface HeyGenAnswer {
  readonly code: number;
  readonly data: Readonly<Record<string, unknown>> | null;
  readonly message: string;
}

/** A simulated HeyGen on a free port and the adapter that calls it; gone when the test is. */
export async function simulateHeyGen(
  options: SimulatorOptions = {},
  adapter: Partial<HeyGenOptions> = {},
): Promise<SimulatedHeyGen> {
  let now = OPENING;
  const clock = () => now;
  const simulator = await startSimulator({ clock, apiKey: API_KEY, ...options });
  onTestFinished(() => simulator.close());
  const vendor = createHeyGenVendor({ baseUrl: simulator.url, apiKey: API_KEY, clock, ...adapter });
  const withToken: SimulatedHeyGen['withToken'] = async (token, path, body) => {
    const response = await fetch(`${simulator.url}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}` },
      ...(body && { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: (await response.json()) as HeyGenAnswer };
  };
  return {
    vendor,
    simulator,
    now: clock,
    pass: (seconds) => {
      now = new Date(now.getTime() + seconds * 1000);
    },
    withToken,
    async startSession(request = {}) {
      const { token } = await vendor.mint({ avatarName: 'Ann', maxSessionSeconds: 60 });
      const { body } = await withToken(token, '/v1/streaming.new', request);
      const session_id = String(body.data?.session_id);
      const { status } = await withToken(token, '/v1/streaming.start', { session_id });
      if (status !== 200) throw new Error(`The start was answered ${status}`);
      return session_id;
    },
  };
}

import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { type Relay, type RelayLimits, relay } from '../../../src/server/vendor-sdk/relay.ts';
import { waitFor } from '../../support/wait-for.ts';

const LIMITS: RelayLimits = { maxWaitingBytes: 64 * 1024, idleMs: 60_000, pingMs: 60_000, closeMs: 60_000 };
const MESSAGE = Buffer.alloc(64 * 1024, 7);
const MESSAGES = 400;

it.each(['page', 'vendor'] as const)(
  'does not read a side while the other one, the %s, does not read',
  async (slow) => {
    await using test = await startRelay();
    const reader = test[slow];
    const [sender, from, to] =
      slow === 'page' ? [test.vendor, test.toVendor, test.toPage] : [test.page, test.toPage, test.toVendor];
    let received = 0;
    reader.on('message', () => received++);
    reader.pause();
    for (let sent = 0; sent < MESSAGES; sent++) sender.send(MESSAGE);
    await waitFor(async () => from.isPaused);
    // A few messages that had already been read when the bound was reached are queued as well.
    expect(to.bufferedAmount).toBeLessThan(LIMITS.maxWaitingBytes + 4 * MESSAGE.length);
    expect(sender.bufferedAmount).toBeGreaterThan(0);

    reader.resume();
    await waitFor(async () => received === MESSAGES);
    expect([from.isPaused, to.bufferedAmount]).toEqual([false, 0]);
  },
);

it('closes both sides when neither has sent anything for a while', async () => {
  await using test = await startRelay({ idleMs: 50 });
  const closes = Promise.all([once(test.page, 'close'), once(test.vendor, 'close')]);
  expect((await closes).map(([code, reason]) => [code, String(reason)])).toEqual([
    [4408, 'The socket was idle for too long. Open it again to continue.'],
    [1001, ''],
  ]);
});

it('stays open while messages arrive', async () => {
  await using test = await startRelay({ idleMs: 300 });
  const ends = Date.now() + 900;
  test.vendor.on('message', (data) => test.vendor.send(data));
  while (Date.now() < ends) {
    test.page.send('hello');
    await once(test.page, 'message');
  }
  expect(test.page.readyState).toBe(WebSocket.OPEN);
});

it('cuts off a side that answers no pings, and closes the other one', async () => {
  await using test = await startRelay({ pingMs: 50 });
  test.page.pause();
  expect((await once(test.vendor, 'close'))[0]).toBe(1001);
  await test.relay.closed;
});

it('keeps a side that it does not read itself', async () => {
  await using test = await startRelay({ pingMs: 50 });
  const pings: unknown[] = [];
  test.vendor.on('ping', () => pings.push(null));
  test.toVendor.pause();
  await waitFor(async () => pings.length >= 4);
  expect(test.toVendor.readyState).toBe(WebSocket.OPEN);
});

it('cuts off a side that does not answer its close, and forwards nothing after it', async () => {
  await using test = await startRelay({ closeMs: 50 });
  const received: unknown[] = [];
  test.vendor.on('message', (data) => received.push(data));
  test.page.pause();
  test.relay.close(4410, 'The session has ended.');
  test.page.send('late');
  await test.relay.closed;
  expect(received).toEqual([]);
});

/** A relay between a page and a vendor, each with a socket of its own. */
async function startRelay(limits: Partial<RelayLimits> = {}) {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await once(server, 'listening');
  const open = async (): Promise<[client: WebSocket, accepted: WebSocket]> => {
    const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const [accepted] = await once(server, 'connection');
    await once(client, 'open');
    return [client, accepted];
  };
  const [page, toPage] = await open();
  const [toVendor, vendor] = await open();
  const started: Relay = relay(toPage, toVendor, { ...LIMITS, ...limits });
  return {
    page,
    vendor,
    toPage,
    toVendor,
    relay: started,
    async [Symbol.asyncDispose]() {
      for (const socket of [page, vendor, toPage, toVendor]) socket.terminate();
      await started.closed;
      server.close();
      await once(server, 'close');
    },
  };
}

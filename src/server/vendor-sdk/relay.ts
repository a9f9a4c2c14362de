import type { WebSocket } from 'ws';
import { keepAlive } from '../keep-alive.ts';

export interface RelayLimits {
  /** While more bytes than this wait to be sent to one side, the other side is not read. */
  readonly maxWaitingBytes: number;
  /** How long a relay may carry no message in either direction. */
  readonly idleMs: number;
  /** A side that does not answer a ping by the next one is cut off. */
  readonly pingMs: number;
  /** A side that does not answer a close within this time is cut off. */
  readonly closeMs: number;
}

/** Two sockets, each of which receives what the other one sends. */
export interface Relay {
  /** Forwards nothing more and closes both sides, the client's with this code and reason. */
  close(code: number, reason: string): void;
  /** Resolves when both sides are closed. */
  readonly closed: Promise<unknown>;
}

/** Codes that stand for a missing code or a missing close. They cannot be sent. */
const ABSENT_CODES = new Set([1005, 1006, 1015]);
const GOING_AWAY = 1001;
const BAD_GATEWAY = 1014;
const IDLE = 4408;

/** Relays messages between a client and its vendor until one side closes. Both sides must be open. */
export function relay(client: WebSocket, vendor: WebSocket, limits: RelayLimits): Relay {
  const sides = [client, vendor];
  const closed = Promise.all(sides.map((side) => new Promise((resolve) => side.once('close', resolve))));
  const idle = setTimeout(
    () => close(IDLE, 'The socket was idle for too long. Open it again to continue.'),
    limits.idleMs,
  );
  const pings = sides.map((side) => keepAlive(side, limits.pingMs));
  let isOpen = true;

  forward(client, vendor);
  forward(vendor, client);
  client.once('close', (code, reason) => {
    if (ABSENT_CODES.has(code)) end([GOING_AWAY, ''], [GOING_AWAY, '']);
    else end([code, ''], [code, String(reason)]);
  });
  vendor.once('close', (code, reason) => {
    if (ABSENT_CODES.has(code))
      close(BAD_GATEWAY, 'The connection to the avatar service was lost. Open the socket again.');
    else end([code, String(reason)], [code, '']);
  });

  function forward(from: WebSocket, to: WebSocket): void {
    from.on('message', (data, isBinary) => {
      if (!isOpen) return;
      idle.refresh();
      to.send(data, { binary: isBinary }, () => {
        if (to.bufferedAmount <= limits.maxWaitingBytes) from.resume();
      });
      if (to.bufferedAmount > limits.maxWaitingBytes) from.pause();
    });
  }

  function end(toClient: [code: number, reason: string], toVendor: [code: number, reason: string]): void {
    if (!isOpen) return;
    isOpen = false;
    clearTimeout(idle);
    for (const ping of pings) clearInterval(ping);
    // A paused side would not notice the answer to its close.
    for (const side of sides) side.resume();
    client.close(...toClient);
    vendor.close(...toVendor);
    const fuse = setTimeout(() => {
      for (const side of sides) side.terminate();
    }, limits.closeMs);
    void closed.then(() => clearTimeout(fuse));
  }

  function close(code: number, reason: string): void {
    end([code, reason], [GOING_AWAY, '']);
  }

  return { close, closed };
}

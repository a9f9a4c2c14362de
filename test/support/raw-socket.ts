import type { IncomingMessage } from 'node:http';
import { WebSocket } from 'ws';
import { Inbox } from './inbox.ts';
import type { TestService } from './service.ts';

interface SocketMessage {
  readonly type: string;
  readonly id?: string;
  readonly payload?: unknown;
}

interface SocketOptions {
  readonly protocols?: string[];
  readonly headers?: Record<string, string>;
}

/** A socket that sends exactly the given bytes. Disposing breaks it off. */
export interface RawSocket extends Disposable {
  readonly inbox: Inbox<SocketMessage>;
  /** An object goes as JSON, anything else as it is. */
  send(message: object | string | Uint8Array): void;
  /** Says who calls, and waits until that is accepted. */
  connect(payload?: unknown): Promise<void>;
  /** The whole answer to one operation, or its errors. */
  run(id: string, payload: object): Promise<unknown>;
  /** Reads no more, and sends for as long as the server lets it; resolves with how often that was. */
  floodUnread(send: 'message' | 'ping'): Promise<number>;
  /** Reads no more and answers no ping, as if the machine slept. */
  fallSilent(): void;
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
}

/** Opens a socket; rejects with the status if the upgrade is refused. */
export async function openSocket(
  { webSocketUrl }: Pick<TestService, 'webSocketUrl'>,
  { protocols = ['graphql-transport-ws'], headers = {} }: SocketOptions = {},
): Promise<RawSocket> {
  const socket = new WebSocket(webSocketUrl, protocols, { headers });
  const inbox = new Inbox<SocketMessage>();
  const closed = Promise.withResolvers<{ code: number; reason: string }>();
  socket.on('message', (data) => inbox.deliver(JSON.parse(String(data))));
  socket.on('close', (code, reason) => {
    inbox.end();
    closed.resolve({ code, reason: String(reason) });
  });
  await new Promise<void>((resolve, reject) => {
    socket.on('open', resolve);
    socket.on('error', reject);
    socket.on('unexpected-response', (_request, response: IncomingMessage) => {
      response.resume();
      reject(new Error(`refused with ${response.statusCode}`));
    });
  });

  const send: RawSocket['send'] = (message) =>
    socket.send(typeof message === 'string' || message instanceof Uint8Array ? message : JSON.stringify(message));
  return {
    inbox,
    send,
    async connect(payload) {
      send({ type: 'connection_init', payload });
      await inbox.find(({ type }) => type === 'connection_ack');
    },
    async run(id, payload) {
      send({ type: 'subscribe', id, payload });
      const answer = await inbox.find((message) => message.id === id && message.type !== 'complete');
      return answer.payload;
    },
    async floodUnread(kind) {
      socket.on('error', () => {});
      socket.pause();
      const message = JSON.stringify({ type: 'ping', payload: { x: 'x'.repeat(60_000) } });
      let sent = 0;
      while (socket.readyState === socket.OPEN) {
        await new Promise((resolve) =>
          kind === 'ping' ? socket.ping('x'.repeat(125), true, resolve) : socket.send(message, resolve),
        );
        sent++;
      }
      return sent;
    },
    fallSilent: () => socket.pause(),
    closed: closed.promise,
    [Symbol.dispose]: () => socket.terminate(),
  };
}

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Simulator } from '../../src/vendors/simulator/server.ts';

/** One chat socket at the vendor. */
export interface VendorChat {
  readonly query: Readonly<Record<string, string>>;
  readonly socket: WebSocket;
}

/** The simulated HeyGen with the chat socket that it lacks, at an address of its own. Disposing closes it. */
export async function startHeyGenFront() {
  let simulator: Pick<Simulator, 'url'> | undefined;
  const chats: VendorChat[] = [];
  const sockets = new WebSocketServer({ noServer: true });
  const server = createServer(async (request, response) => {
    const { method = 'GET', url = '/', headers } = request;
    const body = await text(request);
    const answer = await fetch(`${simulator?.url}${url}`, {
      method,
      headers: Object.entries(headers).filter(([name]) => /^(authorization|x-api-key|content-type)$/.test(name)) as [
        string,
        string,
      ][],
      ...(body && { body }),
    });
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(await answer.text());
  });
  server.on('upgrade', (request, duplex, head) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
    if (pathname !== '/v1/ws/streaming.chat') duplex.destroy();
    else
      sockets.handleUpgrade(request, duplex, head, (socket) => {
        chats.push({ query: Object.fromEntries(searchParams), socket });
        socket.send(JSON.stringify({ event_type: 'avatar_start_talking' }));
      });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    chats: chats as readonly VendorChat[],
    /** The first one. */
    chat(): VendorChat {
      const [chat] = chats;
      if (!chat) throw new Error('The vendor has no chat socket.');
      return chat;
    },
    standBefore(behind: Pick<Simulator, 'url'>) {
      simulator = behind;
    },
    async [Symbol.asyncDispose]() {
      for (const { socket } of chats) socket.terminate();
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

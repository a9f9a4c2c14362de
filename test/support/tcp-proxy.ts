import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A network that can fail, before a server on 127.0.0.1. It passes everything until a method changes that. */
export interface TcpProxy extends AsyncDisposable {
  readonly port: number;
  /** Cuts every connection and refuses new ones. */
  refuse(): Promise<void>;
  /** Takes connections and bytes, and passes nothing on. */
  silence(): void;
  /** Passes again, what was kept back while it was silent included. */
  open(): Promise<void>;
  /** Passes new connections again; those of the silence stay silent for good. */
  openAnew(): void;
  /** Passes new connections on to another port. */
  pointTo(port: number): void;
}

interface Link {
  readonly client: Socket;
  server: Socket | null;
}

export async function startTcpProxy(targetPort: number): Promise<TcpProxy> {
  let target = targetPort;
  let silent = false;
  const links = new Set<Link>();
  const lost = new Set<Link>();

  const listener = createServer((client) => {
    const link: Link = { client, server: null };
    links.add(link);
    client.pause();
    client.on('error', () => {});
    client.on('close', () => {
      links.delete(link);
      if (!silent) link.server?.destroy();
    });
    if (!silent) join(link);
  });

  function join(link: Link): void {
    const { client } = link;
    if (!link.server) {
      const server = connect(target, '127.0.0.1');
      server.on('error', () => {});
      server.on('close', () => {
        if (!silent) client.destroy();
      });
      link.server = server;
    }
    client.pipe(link.server);
    link.server.pipe(client);
  }

  function part({ client, server }: Link): void {
    client.unpipe();
    client.pause();
    server?.unpipe();
    server?.pause();
  }

  function cut(all: Set<Link>): void {
    for (const { client, server } of all) {
      client.destroy();
      server?.destroy();
    }
    all.clear();
  }

  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as AddressInfo;
  return {
    port,
    async refuse() {
      silent = false;
      listener.close();
      cut(links);
      await once(listener, 'close');
    },
    silence() {
      silent = true;
      for (const link of links) part(link);
    },
    async open() {
      silent = false;
      for (const link of links) join(link);
      if (listener.listening) return;
      listener.listen(port, '127.0.0.1');
      await once(listener, 'listening');
    },
    openAnew() {
      silent = false;
      for (const link of links) lost.add(link);
      links.clear();
    },
    pointTo(newPort) {
      target = newPort;
    },
    async [Symbol.asyncDispose]() {
      cut(links);
      cut(lost);
      if (!listener.listening) return;
      listener.close();
      await once(listener, 'close');
    },
  };
}

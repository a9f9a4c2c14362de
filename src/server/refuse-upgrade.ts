import type { Duplex } from 'node:stream';

/** Answers an upgrade with a status such as `404 Not Found`, and closes the connection. */
export function refuseUpgrade(duplex: Duplex, status: string): void {
  // Node has taken its own listener off: without one, a client that is gone already would end the process.
  duplex.on('error', () => {});
  duplex.once('finish', () => duplex.destroy());
  duplex.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

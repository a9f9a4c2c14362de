import { connect } from 'node:net';
import type { TestService } from './service.ts';

export interface RawAnswer {
  /** 0 if the connection was closed without an answer. */
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

/** Sends these very bytes on a connection of its own; resolves when the server has closed it. */
export function sendBytes(
  { url }: Pick<TestService, 'url'>,
  bytes: string | Uint8Array,
  { end = false } = {},
): Promise<RawAnswer> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const socket = connect(Number(port), hostname, () => (end ? socket.end(bytes) : socket.write(bytes)));
    socket.on('data', (chunk) => chunks.push(chunk));
    // A server that refuses while more is on its way resets the connection: what it said before counts.
    socket.on('error', () => {});
    socket.on('close', () => resolve(parseAnswer(Buffer.concat(chunks).toString())));
    socket.on('end', () => socket.end());
  });
}

/** A request as it stands on the wire. `null` leaves a header out; the connection is closed after the answer. */
export function sendRequest(
  service: Pick<TestService, 'url'>,
  method: string,
  target: string,
  headers: Readonly<Record<string, string | null>> = {},
  body = '',
): Promise<RawAnswer> {
  const length = body === '' && method === 'GET' ? null : String(Buffer.byteLength(body));
  const all = { Host: new URL(service.url).host, Connection: 'close', 'Content-Length': length, ...headers };
  const lines = Object.entries(all).flatMap(([name, value]) => (value === null ? [] : [`${name}: ${value}\r\n`]));
  return sendBytes(service, `${method} ${target} HTTP/1.1\r\n${lines.join('')}\r\n${body}`);
}

function parseAnswer(text: string): RawAnswer {
  const [head = '', ...rest] = text.split('\r\n\r\n');
  const [statusLine = '', ...lines] = head.split('\r\n');
  const headers = lines.map((line): [string, string] => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  });
  return { status: Number(statusLine.split(' ')[1] ?? 0), headers: new Map(headers), body: rest.join('\r\n\r\n') };
}

import { connect, type Socket } from 'node:net';

/** One POST to a GraphQL endpoint. */
export interface Post {
  readonly token: string | null;
  readonly body: string;
}

/**
 * A keep-alive HTTP connection that knows only what a benchmark needs: one request at a time, responses with a
 * `Content-Length`. Node's own client costs as much of the two cores as the server that is measured.
 */
export class Connection {
  readonly #socket: Socket;
  readonly #host: string;
  #received = '';
  #waiting: PromiseWithResolvers<string> | null = null;

  private constructor(socket: Socket, host: string) {
    this.#socket = socket;
    this.#host = host;
    socket.setEncoding('latin1').setNoDelay(true);
    socket.on('data', (chunk: string) => this.#receive(chunk));
    socket.on('close', () => this.#waiting?.reject(new Error('The server closed the connection')));
    socket.on('error', (error) => this.#waiting?.reject(error));
  }

  static async open(url: string): Promise<Connection> {
    const { hostname, port, host } = new URL(url);
    const socket = connect(Number(port), hostname);
    await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    return new Connection(socket, host);
  }

  /**
   * Sends an operation and resolves with the response body.
   *
   * @throws Error unless the status is 200 and the body has data and no errors
   */
  async post({ token, body }: Post): Promise<string> {
    const waiting = Promise.withResolvers<string>();
    this.#waiting = waiting;
    const authorization = token === null ? '' : `Authorization: Bearer ${token}\r\n`;
    this.#socket.write(
      `POST /graphql HTTP/1.1\r\nHost: ${this.#host}\r\nContent-Type: application/json\r\nAccept: application/json\r\n${authorization}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    );
    const answer = await waiting.promise;
    if (!answer.startsWith('{"data":')) throw new Error(answer);
    return answer;
  }

  #receive(chunk: string): void {
    this.#received += chunk;
    const head = this.#received.indexOf('\r\n\r\n');
    if (head < 0) return;
    const length = /\r\ncontent-length: *(\d+)/i.exec(this.#received.slice(0, head + 2))?.[1];
    if (length === undefined) throw new Error(`A response without a Content-Length: ${this.#received}`);
    const end = head + 4 + Number(length);
    if (this.#received.length < end) return;
    const body = this.#received.slice(head + 4, end);
    this.#received = this.#received.slice(end);
    this.#waiting?.resolve(body);
    this.#waiting = null;
  }

  close(): void {
    this.#socket.destroy();
  }
}

/** A connection for each caller. Disposing closes them. */
export async function openConnections(url: string, callers: number) {
  const connections = await Promise.all(Array.from({ length: callers }, () => Connection.open(url)));
  return {
    of: (caller: number): Connection => connections[caller] as Connection,
    [Symbol.dispose]() {
      for (const connection of connections) connection.close();
    },
  };
}

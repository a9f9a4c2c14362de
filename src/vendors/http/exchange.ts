interface Request {
  readonly method: 'GET' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  /** JSON; empty for none. */
  readonly body: string;
  /** Milliseconds, from the connection to the last byte of the answer. */
  readonly timeoutMs: number;
}

/** A page of a hundred sessions has fifty thousand. */
const MAX_ANSWER_BYTES = 8 * 1024 * 1024;

/** No answer, or only a part of one. The message quotes nothing that was sent. */
export class ExchangeError extends Error {
  readonly timedOut: boolean;

  constructor(message: string, timedOut: boolean) {
    super(message);
    this.timedOut = timedOut;
  }
}

/**
 * One request over HTTP and the whole of its answer, whatever its status. Redirects are not followed: fetch would send
 * the credentials along to wherever the answer points.
 *
 * @throws ExchangeError and nothing else.
 */
export async function exchange(
  url: URL,
  { method, headers, body, timeoutMs }: Request,
): Promise<{ response: Response; text: string }> {
  try {
    const response = await fetch(url, {
      method,
      headers: { accept: 'application/json', ...headers, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body }),
      redirect: 'manual',
      signal: AbortSignal.timeout(timeoutMs),
    });
    return { response, text: await readText(response) };
  } catch (error) {
    // Not kept as the cause: errors of fetch quote headers and addresses.
    throw describe(error, timeoutMs);
  }
}

async function readText({ body }: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > MAX_ANSWER_BYTES) throw new ExchangeError(`answered with more than ${MAX_ANSWER_BYTES} bytes`, false);
    chunks.push(chunk);
  }
  return new TextDecoder().decode(Buffer.concat(chunks));
}

function describe(error: unknown, timeoutMs: number): ExchangeError {
  if (error instanceof ExchangeError) return error;
  if (!(error instanceof Error)) return new ExchangeError('failed', false);
  if (error.name === 'TimeoutError') return new ExchangeError(`gave no answer within ${timeoutMs} ms`, true);
  return new ExchangeError(`failed: ${error.cause instanceof Error ? error.cause.message : error.message}`, false);
}

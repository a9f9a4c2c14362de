import type { ServerResponse } from 'node:http';
import type { Answer } from './answers.ts';

export function sendAnswer(response: ServerResponse, answer: Answer, headers: Record<string, string>): void {
  response.writeHead(answer.status, headersOf(answer, headers)).end(payloadOf(answer));
}

/** Sends the first half and breaks the connection. */
export function cutAnswer(response: ServerResponse, answer: Answer, headers: Record<string, string>): void {
  const payload = payloadOf(answer);
  response.writeHead(answer.status, { ...headersOf(answer, headers), 'content-length': Buffer.byteLength(payload) });
  response.write(payload.slice(0, payload.length / 2), () => response.destroy());
}

function payloadOf({ body }: Answer): string {
  if (body === undefined) return '';
  return typeof body === 'string' ? body : JSON.stringify(body);
}

function headersOf(answer: Answer, headers: Record<string, string>): Record<string, string> {
  return { 'content-type': 'application/json', ...headers, ...answer.headers };
}

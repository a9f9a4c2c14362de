import type { ServerResponse } from 'node:http';

/** Whether this node can do its work: each part by its name. */
export type Readiness = () => Promise<Readonly<Record<string, boolean>>>;

/** `/healthz`: the process lives. */
export function answerHealth(response: ServerResponse): void {
  answer(response, 200, { status: 'ok' });
}

/** `/readyz`: the database and the event bus answer, and the clock is right; 503 if one of them fails. */
export async function answerReadiness(response: ServerResponse, readiness: Readiness): Promise<void> {
  const parts = await readiness();
  const ready = Object.values(parts).every(Boolean);
  answer(response, ready ? 200 : 503, { status: ready ? 'ok' : 'unavailable', ...parts });
}

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(JSON.stringify(body));
}

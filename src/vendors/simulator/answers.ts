import { formatMoney } from '../../domain/money.ts';
import { creditsPerMinute } from './metering.ts';
import { elapsedMs, type SimulatedSession } from './sessions.ts';

export interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Thrown by a route to answer with a refusal. */
export class Refusal extends Error {
  readonly answer: Answer;

  constructor(answer: Answer) {
    super(`refused with ${answer.status}`);
    this.answer = answer;
  }
}

/** The vendor's SDK takes an answer for a success only with this code and with `data`. */
export function success(data: unknown, status = 200): Answer {
  return { status, body: { code: 1000, data, message: 'Success' } };
}

export function refuse(
  status: number,
  code: number,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): Refusal {
  return new Refusal({ status, headers, body: { code, data: null, message } });
}

export const unauthorized = () => refuse(401, 4001, 'Invalid credentials');
export const sessionNotFound = () => refuse(404, 4004, 'Session not found');
export const concurrencyReached = () => refuse(403, 4003, 'Session concurrency limit reached');
/** Nobody has documented this answer's status and code. */
export const noCredits = () => refuse(402, 4002, 'Insufficient credits');

/** One line of a 422, as FastAPI writes it. */
export interface ValidationIssue {
  readonly loc: readonly (string | number)[];
  readonly msg: string;
  readonly type: string;
}

export function invalid(detail: readonly ValidationIssue[]): Refusal {
  return new Refusal({ status: 422, body: { detail } });
}

/** A session as the lists show it. `duration` is in whole seconds. */
export function entry(session: SimulatedSession, now: number): object {
  return {
    id: session.id,
    created_at: new Date(session.createdAt).toISOString(),
    updated_at: new Date(session.endedAt ?? session.lastKeepAliveAt ?? session.createdAt).toISOString(),
    duration: Math.floor(elapsedMs(session, now) / 1000),
    source: session.source,
    mode: session.mode,
    is_sandbox: session.isSandbox,
    credits_consumed: Number(formatMoney(creditsPerMinute(session) * BigInt(session.minutesCharged))),
    ...(session.endedAt !== null && {
      end_at: new Date(session.endedAt).toISOString(),
      end_reason: session.endReason,
    }),
  };
}

import { type Answer, Refusal } from '../answers.ts';
import { durationSeconds, type HeyGenSession, type HeyGenStatus, statusOf } from './sessions.ts';

/** Nobody listens there: media are not simulated. */
const MEDIA_URL = 'wss://media.simulator.invalid';

/** The first version's envelope. */
export function success(data: unknown): Answer {
  return { status: 200, body: { code: 100, data, message: 'success' } };
}

/** The second version's envelope. */
export function successV2(data: unknown): Answer {
  return { status: 200, body: { error: null, data } };
}

/** HeyGen's API reference, error codes. */
function refuse(status: number, code: number, message: string): Refusal {
  return new Refusal({ status, body: { code, data: null, message } });
}

const STATE_CODES: Readonly<Record<HeyGenStatus, number>> = { new: 10001, connected: 10003, closed: 10005 };

export const wrongState = (status: HeyGenStatus) => refuse(400, STATE_CODES[status], `session state wrong: ${status}`);
export const sessionNotFound = () => refuse(400, 10006, 'Session not found');
export const concurrencyReached = () => refuse(400, 10007, 'Concurrent limit reached');
export const unauthorized = () => refuse(401, 400112, 'Unauthorized');
export const notFound = () => refuse(404, 404, 'Not Found');
/** Nobody has documented the codes of these. */
export const noQuota = () => refuse(400, 400, 'Insufficient credit: quota not enough');
export const invalid = (message: string) => refuse(400, 400, `Invalid parameters: ${message}`);

/** HeyGen's API reference, new-session. */
export function opened(session: HeyGenSession): object {
  return {
    session_id: session.id,
    url: MEDIA_URL,
    access_token: session.id,
    session_duration_limit: session.capSeconds,
    is_paid: true,
  };
}

/** HeyGen's API reference, list-sessions. */
export function activeEntry(session: HeyGenSession): object {
  return { session_id: session.id, status: statusOf(session), created_at: Math.floor(session.createdAt / 1000) };
}

/** HeyGen's API reference, list-sessions-v2. */
export function pastEntry(session: HeyGenSession, now: number): object {
  return { ...activeEntry(session), api_key_type: 'paid', duration: durationSeconds(session, now) };
}

/** The life of one usage record: reserved → active → completed, error or expired. */
export type UsageStatus = 'reserved' | 'active' | 'completed' | 'error' | 'expired';

/** Why a record is over. Null while it is open. */
export type EndReason =
  | 'user_ended'
  | 'deadline_reached'
  | 'heartbeat_lost'
  | 'token_expired'
  | 'superseded'
  | 'admin_ended'
  | 'vendor_ended'
  | 'vendor_error'
  | 'client_error';

/** A record is open while it holds quota: an unused token or a running session. */
export function isOpen(status: UsageStatus): boolean {
  return status === 'reserved' || status === 'active';
}

/**
 * The status in which a record of the given status ends for the given reason.
 *
 * A token that was never used expires, whatever ended it; only an error is kept as an error, so that the history
 * shows it as one.
 */
export function endedStatus(from: 'reserved' | 'active', reason: EndReason): UsageStatus {
  if (reason === 'vendor_error' || reason === 'client_error') return 'error';
  return from === 'active' ? 'completed' : 'expired';
}

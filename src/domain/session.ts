/**
 * The life of one usage record: reserved → active → completed, error or expired.
 *
 * A token that is never used expires, and nothing is charged for it; only an error is kept as an error, so that the
 * history shows it as one.
 */
export type UsageStatus = 'reserved' | 'active' | 'completed' | 'error' | 'expired';

/** Why a record ended. Null while it is open. */
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

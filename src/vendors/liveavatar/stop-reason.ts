const VENDOR_REASONS: Readonly<Record<string, string>> = {
  user_ended: 'USER_CLOSED',
  superseded: 'USER_CLOSED',
  deadline_reached: 'MAX_DURATION_REACHED',
  heartbeat_lost: 'USER_DISCONNECTED',
};

/**
 * The vendor's word for why we stop a session.
 *
 * `reason` is a closed list at the vendor, which answers 422 to any other word and leaves the session running
 * (LiveAvatar API reference, sessions/stop-session).
 */
export function vendorStopReason(reason: string): string {
  return Object.hasOwn(VENDOR_REASONS, reason) ? (VENDOR_REASONS[reason] ?? 'UNKNOWN') : 'UNKNOWN';
}

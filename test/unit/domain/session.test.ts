import { describe, expect, test } from 'vitest';
import { type EndReason, endedStatus, isOpen, type UsageStatus } from '../../../src/domain/session.ts';

/** Every reason, and what becomes of an unused token and of a running session: the type asks for a line per reason. */
const endings: Record<EndReason, { reserved: UsageStatus; active: UsageStatus }> = {
  user_ended: { reserved: 'expired', active: 'completed' },
  deadline_reached: { reserved: 'expired', active: 'completed' },
  heartbeat_lost: { reserved: 'expired', active: 'completed' },
  token_expired: { reserved: 'expired', active: 'completed' },
  superseded: { reserved: 'expired', active: 'completed' },
  admin_ended: { reserved: 'expired', active: 'completed' },
  vendor_ended: { reserved: 'expired', active: 'completed' },
  vendor_error: { reserved: 'error', active: 'error' },
  client_error: { reserved: 'error', active: 'error' },
};
const reasons = Object.keys(endings) as EndReason[];

describe('isOpen', () => {
  test.each<[UsageStatus, boolean]>([
    ['reserved', true],
    ['active', true],
    ['completed', false],
    ['error', false],
    ['expired', false],
  ])('of a record that is %s is %s', (status, open) => {
    expect(isOpen(status)).toBe(open);
  });
});

describe('endedStatus', () => {
  test.each(reasons)('of an unused token, for %s', (reason) => {
    expect(endedStatus('reserved', reason)).toBe(endings[reason].reserved);
  });

  test.each(reasons)('of a running session, for %s', (reason) => {
    expect(endedStatus('active', reason)).toBe(endings[reason].active);
  });

  test.each(reasons)('holds no quota any more, for %s', (reason) => {
    expect(isOpen(endedStatus('reserved', reason))).toBe(false);
    expect(isOpen(endedStatus('active', reason))).toBe(false);
  });
});

import { describe, expect, it } from 'vitest';
import { Entry } from '../../../src/vendors/liveavatar/answers.ts';
import { SANDBOX_AVATAR_ID } from '../../../src/vendors/liveavatar/avatars.ts';
import { classify } from '../../../src/vendors/liveavatar/classify.ts';
import { createLiveAvatarVendor } from '../../../src/vendors/liveavatar/liveavatar-vendor.ts';
import { vendorStopReason } from '../../../src/vendors/liveavatar/stop-reason.ts';

describe('classification', () => {
  it.each([
    [403, 4003, 'Session concurrency limit reached', 'concurrency'],
    [403, null, 'Concurrent limit reached', 'concurrency'],
    [200, 4003, '', 'concurrency'],
    [429, null, '', 'rate_limited'],
    [401, null, 'Insufficient permissions', 'unauthorized'],
    [403, 4030, 'Forbidden', 'unauthorized'],
    [402, null, '', 'no_funds'],
    [403, null, 'Insufficient credits', 'no_funds'],
    [400, null, 'You have no more credits left', 'no_funds'],
    [409, null, 'NO_CREDITS', 'no_funds'],
    [404, null, '', 'gone'],
    [400, null, 'Session not found', 'gone'],
    [422, null, 'body.avatar_id: Field required', 'invalid'],
    [400, null, 'Bad request', 'invalid'],
    [500, null, 'Session not found', 'unavailable'],
    [503, null, '', 'unavailable'],
    [408, null, '', 'unavailable'],
    [405, null, 'Method Not Allowed', 'unknown'],
    [410, null, 'Retired', 'unknown'],
    [302, null, '', 'unknown'],
  ] as const)('takes %i with code %j and %j for %s', (status, code, text, kind) => {
    expect(classify({ status, code, text })).toBe(kind);
  });
});

describe('an entry', () => {
  const entry = { id: 'a', created_at: '2026-11-05T12:00:00Z', duration: 61.5 };

  it('tolerates fields and end reasons that nobody knows yet', () => {
    const parsed = Entry.parse({ ...entry, end_reason: 'METEOR', colour: 'red' });
    expect(parsed.end_reason).toBe('METEOR');
  });

  it('takes a moment without an offset for UTC', () => {
    expect(Entry.parse({ ...entry, created_at: '2026-11-05T12:00:00.123456' }).created_at).toEqual(
      new Date('2026-11-05T12:00:00.123Z'),
    );
    expect(Entry.parse({ ...entry, created_at: '2026-11-05T12:00:00+02:00' }).created_at).toEqual(
      new Date('2026-11-05T10:00:00Z'),
    );
  });

  it.each([
    [3, '3'],
    [0, '0'],
    [100, '100'],
    [0.1 + 0.2, '0.3'],
    ['7.250', '7.250'],
    [null, null],
  ])('reads %j credits as the decimal %j', (consumed, decimal) => {
    expect(Entry.parse({ ...entry, credits_consumed: consumed }).credits_consumed).toBe(decimal);
  });
});

describe('a session token of this service', () => {
  it('has the mode that the SDK reads: the avatar’s, or the one of the deployment, also in the sandbox', () => {
    const ids = { avatarId: SANDBOX_AVATAR_ID };
    const avatars = { anna: ids, lite: { ...ids, mode: 'LITE' as const, sandbox: true } };
    const vendor = createLiveAvatarVendor({ baseUrl: 'http://127.0.0.1:1', apiKey: 'key', mode: 'FULL', avatars });
    expect(vendor.sdkClaims('anna')).toEqual({ start_session_data: { mode: 'FULL' } });
    expect(vendor.sdkClaims('lite')).toEqual({ start_session_data: { mode: 'LITE' } });
  });
});

describe('a stop reason', () => {
  it('is one of the words that the vendor takes', () => {
    expect(vendorStopReason('user_ended')).toBe('USER_CLOSED');
    expect(vendorStopReason('deadline_reached')).toBe('MAX_DURATION_REACHED');
    expect(vendorStopReason('whatever comes')).toBe('UNKNOWN');
    expect(vendorStopReason('constructor')).toBe('UNKNOWN');
  });
});

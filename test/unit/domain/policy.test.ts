import { expect, test } from 'vitest';
import { heartbeatLapseSeconds } from '../../../src/domain/policy.ts';
import { DEFAULT_POLICY } from '../../support/policy.ts';

test('a session ends when three heartbeats in a row are missed', () => {
  expect(heartbeatLapseSeconds({ ...DEFAULT_POLICY, heartbeatSeconds: 30 })).toBe(90);
  expect(heartbeatLapseSeconds({ ...DEFAULT_POLICY, heartbeatSeconds: 5 })).toBe(15);
});

import { expect, it } from 'vitest';
import { createSocketPlaces } from '../../../src/server/vendor-sdk/socket-places.ts';

it('gives each user and the node so many places, and a freed one again', () => {
  const places = createSocketPlaces({ perUser: 2, perNode: 3 });
  const free = places.take('ann');
  expect(places.take('ann')).toBeTypeOf('function');
  expect(places.take('ann')).toBe('user');
  expect(places.take('bob')).toBeTypeOf('function');
  expect(places.take('bob')).toBe('node');
  if (typeof free === 'function') free();
  expect(places.take('bob')).toBeTypeOf('function');
  expect(places.take('ann')).toBe('node');
});

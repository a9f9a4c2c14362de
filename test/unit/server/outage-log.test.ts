import { expect, it } from 'vitest';
import { createOutageLog } from '../../../src/server/outage-log.ts';
import { createTestClock } from '../../support/clock.ts';
import { createLogLines } from '../../support/log-lines.ts';

const MESSAGES = { begun: 'Vendor down', lasting: 'Vendor still down', ended: 'Vendor back' };

function createOutage(options: { settleSeconds?: number } = {}) {
  const clock = createTestClock();
  const { lines, log } = createLogLines('info');
  const outage = createOutageLog({ messages: MESSAGES, clock: clock.now, log, ...options });
  const logged = () =>
    lines().map(({ level, msg, seconds }) => [level, msg, ...(seconds === undefined ? [] : [seconds])]);
  return { clock, outage, lines, logged };
}

it('logs the first of many failures, and one more every 30 seconds', () => {
  const { clock, outage, logged } = createOutage();
  for (let second = 0; second <= 65; second++) {
    for (let part = 0; part < 5; part++) outage.failed(new Error('no answer'));
    clock.advance(1);
  }
  expect(logged()).toEqual([
    ['warn', 'Vendor down'],
    ['error', 'Vendor still down', 30],
    ['error', 'Vendor still down', 60],
  ]);
});

it('logs the end once, with how long the outage was', () => {
  const { clock, outage, logged } = createOutage();
  outage.failed(new Error('no answer'));
  clock.advance(42);
  outage.recovered();
  outage.recovered();
  expect(logged()).toEqual([
    ['warn', 'Vendor down'],
    ['info', 'Vendor back', 42],
  ]);
});

it('logs nothing for answers without an outage, and starts a new outage at the next failure', () => {
  const { clock, outage, logged } = createOutage();
  outage.recovered();
  expect(logged()).toEqual([]);
  outage.failed(new Error('no answer'));
  outage.recovered();
  clock.advance(1);
  outage.failed(new Error('no answer'));
  expect(logged().map(([, msg]) => msg)).toEqual(['Vendor down', 'Vendor back', 'Vendor down']);
});

it('treats failures between answers as one outage until it has settled', () => {
  const { clock, outage, logged } = createOutage({ settleSeconds: 10 });
  for (let second = 0; second < 20; second++) {
    outage.failed(new Error('no answer'));
    outage.recovered();
    clock.advance(1);
  }
  expect(logged()).toEqual([['warn', 'Vendor down']]);
  clock.advance(9);
  outage.recovered();
  expect(logged()).toEqual([
    ['warn', 'Vendor down'],
    ['info', 'Vendor back', 29],
  ]);
});

it('gives the reason at the root of an error', () => {
  const refused = Object.assign(new AggregateError([], ''), { code: 'ECONNREFUSED' });
  for (const [error, reason] of [
    [new Error('no answer'), 'no answer'],
    [new Error('unavailable', { cause: new Error('no answer') }), 'no answer'],
    [refused, 'ECONNREFUSED'],
    ['no answer', 'no answer'],
  ]) {
    const { outage, lines } = createOutage();
    outage.failed(error);
    expect(lines()).toMatchObject([{ reason }]);
  }
});

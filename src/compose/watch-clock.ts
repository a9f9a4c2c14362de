import type pg from 'pg';
import type { Logger } from 'pino';
import { type ComparedClock, createComparedClock } from '../database/decision-clock.ts';
import type { Clock } from '../domain/clock.ts';
import { createOutageLog } from '../server/outage-log.ts';

/** This node's clock, compared with the database's. The log says when they differ, and when they agree again. */
export function watchClock(pool: pg.Pool, clock: Clock, log: Logger): ComparedClock {
  const outage = createOutageLog({
    messages: {
      begun: 'Clock differs from the database’s, making no decisions',
      lasting: 'Clock still differs from the database’s, making no decisions',
      ended: 'Clock agrees with the database’s again',
    },
    // The node's own clock cannot measure how long it was off.
    clock: () => new Date(performance.now()),
    log,
  });
  return createComparedClock({ pool, clock, onOffset: outage.failed, onAgreement: outage.recovered });
}

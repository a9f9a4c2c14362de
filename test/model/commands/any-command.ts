import fc from 'fast-check';
import { burst, rush, single } from './acts.ts';
import { stepBack, wait, waitUntilDue, waitUntilMonthEnd } from './clock.ts';
import type { Command } from './command.ts';
import { deliverStops, editLimits, outage, sweep } from './due-work.ts';
import { enterPrice } from './prices.ts';
import { lateSession, repricedSession, session } from './sessions.ts';

/** Any step, those that lead somewhere more often. */
export const anyCommand: fc.Arbitrary<Command> = fc.oneof(
  { weight: 10, arbitrary: single },
  { weight: 5, arbitrary: session },
  { weight: 5, arbitrary: burst },
  { weight: 1, arbitrary: lateSession },
  { weight: 2, arbitrary: repricedSession },
  { weight: 2, arbitrary: rush },
  { weight: 2, arbitrary: enterPrice },
  { weight: 3, arbitrary: wait },
  { weight: 3, arbitrary: waitUntilDue },
  { weight: 1, arbitrary: waitUntilMonthEnd },
  { weight: 1, arbitrary: stepBack },
  { weight: 5, arbitrary: sweep },
  { weight: 1, arbitrary: outage },
  { weight: 1, arbitrary: editLimits },
  { weight: 2, arbitrary: deliverStops },
);

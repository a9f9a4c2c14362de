import type { AppDeps } from '../app/deps.ts';
import type { Caller } from '../domain/caller.ts';
import type { QuotaEvents } from '../domain/events.ts';
import type { UsageReader } from '../domain/usage-summary.ts';
import type { Prisma } from './builder.ts';

/** What every operation is carried out with, whichever transport it came by. */
export interface GraphQLDeps extends AppDeps {
  readonly usage: UsageReader;
  readonly events: QuotaEvents;
  /** For Pothos: reads of records. */
  readonly prisma: Prisma;
}

export interface GraphQLContext extends GraphQLDeps {
  readonly caller: Caller;
}

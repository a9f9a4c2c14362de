import type { AppDeps } from '../app/deps.ts';
import type { Caller } from '../domain/caller.ts';
import type { QuotaEvents } from '../domain/events.ts';
import type { Presence } from '../domain/presence.ts';
import type { UsageReader } from '../domain/usage-summary.ts';
import type { Prisma } from './builder.ts';

/** What every operation is carried out with, whichever transport it came by. */
export interface GraphQLDeps extends AppDeps {
  readonly usage: UsageReader;
  readonly events: QuotaEvents;
  readonly presence: Presence;
  /** For Pothos: reads of records. */
  readonly prisma: Prisma;
}

export interface GraphQLContext extends GraphQLDeps {
  readonly caller: Caller;
  /** When the caller's streams must end by themselves; null where the transport ends them. */
  readonly streamsUntil: Date | null;
}

import type { AppDeps } from '../../app/deps.ts';
import type { Caller } from '../../domain/caller.ts';
import type { UsageRecords } from '../../domain/usage-record.ts';
import type { UsageReader } from '../../domain/usage-summary.ts';
import type { RestAnswer } from './answers.ts';

/** What the calls are carried out with. */
export interface RestDeps extends AppDeps {
  readonly usage: UsageReader;
  readonly records: UsageRecords;
}

/**
 * One call of REST, its caller known. The input is the body's JSON, or the query's values; nothing of it is checked yet.
 *
 * @throws PublicError for what is no answer
 */
export type RestCall = (deps: RestDeps, caller: Caller, input: unknown) => Promise<RestAnswer>;

import type { z } from 'zod';
import type { AppDeps } from '../../app/deps.ts';
import type { Caller } from '../../domain/caller.ts';
import type { UsageRecords } from '../../domain/usage-record.ts';
import type { UsageReader } from '../../domain/usage-summary.ts';
import type { ErrorStatus } from './answers/errors.ts';
import { parseInput } from './input.ts';

/** The dependencies of the calls. */
export interface RestDeps extends AppDeps {
  readonly usage: UsageReader;
  readonly records: UsageRecords;
}

/** Everything about a call that the OpenAPI document describes. The texts are Markdown for a frontend developer. */
interface CallDescription {
  /** A GET reads its input from the query, a POST from a JSON body. */
  readonly method: 'GET' | 'POST';
  /** Relative to the REST path, such as `usage/quota`. */
  readonly path: string;
  readonly operationId: string;
  readonly tag: 'Tokens' | 'Usage';
  readonly summary: string;
  readonly description: string;
  /** The statuses of this call's own errors. Those that apply to every call of its kind are added to the document. */
  readonly errors: readonly ErrorStatus[];
}

/** A REST call as the router and the OpenAPI document see it. */
export interface RestCall extends CallDescription {
  readonly input: z.ZodObject;
  /** Every answer with status 200. */
  readonly answers: readonly z.ZodType[];
  /**
   * Parses the input, which is the JSON of the body or the values of the query, and returns the body of the answer.
   *
   * @throws PublicError or RequestRefusal, which become answers with another status
   */
  readonly execute: (deps: RestDeps, caller: Caller, input: unknown) => Promise<object>;
}

interface CallDefinition<Input extends z.ZodObject, Answer extends z.ZodType<object>> extends CallDescription {
  readonly input: Input;
  readonly answers: readonly Answer[];
  readonly run: (deps: RestDeps, caller: Caller, input: z.output<Input>) => Promise<z.output<Answer>>;
}

/** Defines a call. Its `run` receives the parsed `input` and returns one of the `answers`. */
export function defineCall<Input extends z.ZodObject, Answer extends z.ZodType<object>>({
  run,
  ...call
}: CallDefinition<Input, Answer>): RestCall {
  return { ...call, execute: (deps, caller, input) => run(deps, caller, parseInput(call.input, input)) };
}

import { ConfigError } from '../src/config/load-settings.ts';
import { ClockOffsetError } from '../src/database/decision-clock.ts';
import { ServiceUnavailableError } from '../src/domain/errors.ts';
import { messageOf } from '../src/domain/message-of.ts';
import { asksForHelp, type Options, type OptionValues, parseOptions, UsageError } from './arguments.ts';
import { type CommandHelp, formatHelp } from './help.ts';

export interface Command<Spec extends Options> extends CommandHelp {
  readonly options: Spec;
  run(values: OptionValues<Spec>): Promise<CommandResult>;
}

export interface CommandResult {
  /** For standard output. */
  readonly output: string;
  /** A sentence for standard error. */
  readonly warning?: string;
  /** @default 0 */
  readonly exitCode?: 0 | 1;
}

const FAILED = 1;
const INVALID_OPTIONS = 2;

/** Runs a command with the arguments of this process, and prints its result, its help, or why it failed. */
export async function runCommand<const Spec extends Options>(command: Command<Spec>): Promise<void> {
  const args = process.argv.slice(2);
  try {
    const result = asksForHelp(args)
      ? { output: formatHelp(command) }
      : await command.run(parseOptions(args, command.options));
    if (result.warning) process.stderr.write(`Warning: ${result.warning}\n`);
    process.stdout.write(`${result.output}\n`);
    process.exitCode = result.exitCode ?? 0;
  } catch (error) {
    const isUsage = error instanceof UsageError;
    const hint = isUsage ? `\nSee npm run -s ${command.name} -- --help` : '';
    process.stderr.write(`${describeFailure(error)}${hint}\n`);
    process.exitCode = isUsage ? INVALID_OPTIONS : FAILED;
  }
}

/** What went wrong, for the operator. */
export function describeFailure(error: unknown): string {
  if (error instanceof ConfigError) return error.problems.join('\n');
  if (error instanceof ClockOffsetError && error.cause instanceof Error) return error.cause.message;
  if (error instanceof ServiceUnavailableError && error.cause instanceof Error) {
    return `The database did not answer: ${error.cause.message}. Run the command again.`;
  }
  return messageOf(error);
}

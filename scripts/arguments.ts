import { type ParseArgsConfig, parseArgs } from 'node:util';
import { ConfigError } from '../src/config.ts';
import { parseMoney } from '../src/domain/money.ts';

const LARGEST_AMOUNT = '1000000000';

/** Its message says what is wrong with the arguments of a command. */
export class UsageError extends Error {}

/** The values of a command's options, each of them a text. */
export function parseOptions<const Name extends string>(
  args: string[],
  names: readonly Name[],
): Partial<Record<Name, string>> {
  const options: ParseArgsConfig['options'] = Object.fromEntries(names.map((name) => [name, { type: 'string' }]));
  try {
    return parseArgs({ args, options }).values as Partial<Record<Name, string>>;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

export function readWholeNumber(option: string, text: string, largest: number): number {
  if (/^\d{1,8}$/.test(text) && Number(text) <= largest) return Number(text);
  throw new UsageError(`${option} must be a whole number from 0 to ${largest}.`);
}

export function readAmount(option: string, text: string): bigint {
  try {
    const amount = parseMoney(text);
    if (amount >= 0n && amount <= parseMoney(LARGEST_AMOUNT)) return amount;
  } catch {
    // said below
  }
  throw new UsageError(
    `${option} must be a decimal number from 0 to ${LARGEST_AMOUNT} with at most 6 decimals, such as 12.50.`,
  );
}

/** Runs a command, and prints what it says: an answer, or why there is none. */
export async function runCommand(
  main: (args: string[]) => Promise<string>,
  { usage, failure }: { usage: string; failure: string },
): Promise<void> {
  try {
    process.stdout.write(`${await main(process.argv.slice(2))}\n`);
  } catch (error) {
    if (error instanceof UsageError) process.stderr.write(`${error.message}\n${usage}\n`);
    else if (error instanceof ConfigError) process.stderr.write(`${error.message}\n`);
    else process.stderr.write(`${failure}: ${error instanceof Error ? error.message : error}\n`);
    process.exitCode = 1;
  }
}

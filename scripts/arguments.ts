import { type ParseArgsOptionsConfig, parseArgs } from 'node:util';
import { z } from 'zod';
import { isUserId } from '../src/domain/caller.ts';

/** An option without a value, such as `--json`. */
interface Flag {
  readonly description: string;
}

/** An option with a value. It must be given if it is required, or has its default when it is not given. */
interface ValueOption {
  /** What stands for the value in the help, such as `ID`. */
  readonly value: string;
  /** Its messages complete the sentence that begins with the option's name: `must be …`. */
  readonly field: z.ZodType<unknown, string>;
  readonly description: string;
  readonly required?: true;
  readonly default?: string;
}

/** A command's options by name. `--help` comes in addition. */
export type Options = Readonly<Record<string, Flag | ValueOption>>;

/** The values of the options. Undefined for one that was not given and has no default. */
export type OptionValues<Spec extends Options> = { readonly [Name in keyof Spec]: OptionValue<Spec[Name]> };

type OptionValue<Option> = Option extends ValueOption
  ? z.output<Option['field']> | (Option extends { required: true } | { default: string } ? never : undefined)
  : boolean;

/** The arguments of a command cannot be used. Its message says what is wrong with them. */
export class UsageError extends Error {}

/** A user's ID, for `--user`. */
export const userId = z.string().refine(isUserId, 'must have 1 to 255 characters');

/** Whether the arguments ask for the help, whatever else they are. */
export function asksForHelp(args: readonly string[]): boolean {
  return args.includes('--help') || args.includes('-h');
}

/**
 * Reads the arguments of a command.
 *
 * @throws UsageError for the first argument that is unknown, incomplete, given twice, or not allowed by its field
 */
export function parseOptions<Spec extends Options>(args: readonly string[], spec: Spec): OptionValues<Spec> {
  const given = readTokens(args, spec);
  return Object.fromEntries(
    Object.entries(spec).map(([name, option]) => [
      name,
      takesValue(option) ? readValue(name, option, given.get(name)) : given.has(name),
    ]),
  ) as OptionValues<Spec>;
}

export function takesValue(option: Flag | ValueOption): option is ValueOption {
  return 'value' in option;
}

/** The text of every option that was given, empty for a flag. */
function readTokens(args: readonly string[], spec: Options): Map<string, string> {
  const options: ParseArgsOptionsConfig = Object.fromEntries(
    Object.entries(spec).map(([name, option]) => [name, { type: takesValue(option) ? 'string' : 'boolean' }]),
  );
  const { tokens } = parseArgs({ args: [...args], options, strict: false, allowPositionals: true, tokens: true });
  const given = new Map<string, string>();
  for (const token of tokens) {
    if (token.kind === 'option-terminator') continue;
    if (token.kind === 'positional') throw new UsageError(`Unexpected argument: ${token.value}`);
    const { name, rawName, value, inlineValue } = token;
    const option = Object.hasOwn(spec, name) ? spec[name] : undefined;
    if (!option) throw new UsageError(`Unknown option: ${rawName}`);
    if (given.has(name)) throw new UsageError(`${rawName} is given twice.`);
    if (takesValue(option)) {
      // The next option is not its value: `--minutes --cost 5`.
      const isMissing = value === undefined || (!inlineValue && value.startsWith('--'));
      if (isMissing) throw new UsageError(`${rawName} needs a value: ${rawName} ${option.value}`);
    } else if (value !== undefined) {
      throw new UsageError(`${rawName} does not take a value.`);
    }
    given.set(name, value ?? '');
  }
  return given;
}

function readValue(name: string, { field, required, default: fallback }: ValueOption, text = fallback): unknown {
  if (text === undefined) {
    if (required) throw new UsageError(`--${name} is required.`);
    return undefined;
  }
  const result = field.safeParse(text);
  if (result.success) return result.data;
  throw new UsageError(`--${name} ${result.error.issues[0]?.message}.`);
}

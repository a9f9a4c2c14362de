import { type Options, takesValue } from './arguments.ts';
import { formatTable, indent } from './table.ts';

/** The content of a command's help. */
export interface CommandHelp {
  /** Of the script in package.json. */
  readonly name: string;
  /** What the command does, in a sentence or two. */
  readonly summary: string;
  readonly options: Options;
  /** The settings that it reads, a line each. */
  readonly settings: readonly string[];
  /** A command line. */
  readonly example: string;
  /** What exit code 1 means. @default 'The command failed. The reason is on standard error.' */
  readonly failure?: string;
}

/** The settings line of every command that needs the database. */
export const DATABASE_SETTINGS = 'DATABASE_URL, or else DATA_DIR with the data of the embedded database (.data)';

export function formatHelp({ name, summary, options, settings, example, failure }: CommandHelp): string {
  const required = Object.entries(options).flatMap(([option, spec]) =>
    takesValue(spec) && spec.required ? [`--${option} ${spec.value} `] : [],
  );
  return [
    summary,
    '',
    `Usage: npm run -s ${name} -- ${required.join('')}[options]`,
    '',
    'Options:',
    ...indent(formatTable([...describeOptions(options), ['-h, --help', 'Shows this help.']])),
    '',
    'Settings:',
    ...indent(settings),
    '',
    'Example:',
    `  ${example}`,
    '',
    'Exit codes:',
    '  0  The command succeeded.',
    `  1  ${failure ?? 'The command failed. The reason is on standard error.'}`,
    '  2  The options are invalid.',
  ].join('\n');
}

function describeOptions(options: Options): string[][] {
  return Object.entries(options).map(([name, option]) => {
    if (!takesValue(option)) return [`--${name}`, option.description];
    const { value, description, required, default: fallback } = option;
    const note = required ? ' Required.' : fallback === undefined ? '' : ` Default: ${fallback}.`;
    return [`--${name} ${value}`, `${description}${note}`];
  });
}

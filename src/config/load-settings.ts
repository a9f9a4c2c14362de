import type { z } from 'zod';
import { withCrossChecks } from './cross-checks.ts';
import { MODE_DEFAULTS, type Mode, type SettingName, type Settings, settings, VENDORS } from './settings.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** The settings cannot be used. Its problems are sentences for the operator and never show a secret. */
export class ConfigError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.problems = problems;
  }
}

export const SETTING_NAMES = Object.keys(settings.shape) as SettingName[];

const LONGEST_SHOWN_VALUE = 80;

/**
 * Reads the named settings. Problems of other settings are not reported. An empty value is treated as unset.
 *
 * @throws ConfigError with every problem at once, in the order of the settings
 */
export function loadSettings<Name extends SettingName>(env: Environment, names: readonly Name[]): Pick<Settings, Name> {
  const mask = Object.fromEntries(names.map((name) => [name, true])) as Record<SettingName, true>;
  const mode = modeOf(env);
  const values = valuesOf(env, mode);
  const result = withCrossChecks(settings.pick(mask), mode).safeParse(values);
  if (result.success) return result.data;
  const order = ({ path: [name] }: z.core.$ZodIssue) => SETTING_NAMES.indexOf(name as SettingName);
  const issues = result.error.issues.toSorted((a, b) => order(a) - order(b));
  throw new ConfigError(issues.map((issue) => sentence(issue, values)));
}

export function modeOf(env: Environment): Mode {
  return env.DATABASE_URL ? 'production' : 'embedded';
}

/** What is set, with the defaults of the mode, and without the settings of vendors that are not used. */
function valuesOf(env: Environment, mode: Mode): Record<string, string> {
  const values: Record<string, string> = { ...MODE_DEFAULTS[mode] };
  for (const [name, value] of Object.entries(env)) if (value) values[name] = value;
  const unused = VENDORS.filter((vendor) => vendor !== values.VENDOR).map((vendor) => `${vendor.toUpperCase()}_`);
  return Object.fromEntries(
    Object.entries(values).filter(([name]) => !unused.some((prefix) => name.startsWith(prefix))),
  );
}

/** A field's message completes the sentence that begins with the setting's name: `must be …`. */
function sentence(issue: z.core.$ZodIssue, values: Record<string, string>): string {
  if (issue.code === 'custom' && issue.params?.isSentence) return issue.message;
  const [name, ...path] = issue.path as [SettingName, ...string[]];
  const subject = path.length > 0 ? `${name}: ${path.join('.')}` : `${name}${shown(name, values[name])}`;
  return `${subject} ${issue.message}.`;
}

/** The value, unless it is a secret. An address with credentials is one as well. */
function shown(name: SettingName, value = ''): string {
  if (settings.shape[name].meta()?.secret || value.includes('@')) return '';
  const text = value.length > LONGEST_SHOWN_VALUE ? `${value.slice(0, LONGEST_SHOWN_VALUE)}…` : value;
  return ` is ${JSON.stringify(text)} but`;
}

import type { z } from 'zod';

/** Never shown in a problem. An address is hidden as well when it carries credentials. */
const SECRETS = new Set(['DATABASE_URL', 'REDIS_URL', 'AUTH_JWT_SECRET', 'LIVEAVATAR_API_KEY', 'HEYGEN_API_KEY']);
const LONGEST_SHOWN_VALUE = 80;

/**
 * Reads settings one by one and gathers what is wrong with them, instead of stopping at the first problem.
 *
 * A field's messages complete the sentence that begins with the setting's name: `must be …`. Where a setting is bad
 * its fallback is returned, so that reading goes on; the caller looks at {@link problems} before using anything.
 */
export class SettingsReader {
  readonly problems: string[] = [];
  readonly #env: Readonly<Record<string, string | undefined>>;
  readonly #bad = new Set<string>();

  constructor(env: Readonly<Record<string, string | undefined>>) {
    this.#env = env;
  }

  /** Whether the setting has a value; an empty one is treated as missing. */
  isSet(name: string): boolean {
    return Boolean(this.#env[name]);
  }

  /** Whether nothing was found wrong with the setting so far. */
  isGood(name: string): boolean {
    return !this.#bad.has(name);
  }

  /** Notes a problem of the named setting. The sentence is shown as it is. */
  report(name: string, sentence: string): void {
    this.#bad.add(name);
    this.problems.push(sentence);
  }

  read<T, F>(name: string, field: z.ZodType<T, string>, fallback: F): T | F {
    const value = this.#env[name];
    if (!value) return fallback;
    const result = field.safeParse(value);
    if (result.success) return result.data;
    for (const issue of result.error.issues) {
      const place = issue.path.length > 0 ? `${name}: ${issue.path.join('.')}` : `${name}${shown(name, value)}`;
      this.report(name, `${place} ${issue.message}.`);
    }
    return fallback;
  }

  /** Reads a setting without a default; `reason` says when it is needed, such as `with VENDOR=liveavatar`. */
  require<T, F>(name: string, field: z.ZodType<T, string>, reason: string, fallback: F): T | F {
    if (!this.isSet(name)) this.report(name, `${name} must be set ${reason}.`);
    return this.read(name, field, fallback);
  }
}

/** Whether the service brings its own database, which gives other settings defaults for a first try. */
export function isEmbedded(settings: SettingsReader): boolean {
  return !settings.isSet('DATABASE_URL');
}

function shown(name: string, value: string): string {
  if (SECRETS.has(name) || value.includes('@')) return '';
  const text = value.length > LONGEST_SHOWN_VALUE ? `${value.slice(0, LONGEST_SHOWN_VALUE)}…` : value;
  return ` is ${JSON.stringify(text)} but`;
}

import type { Mode, SettingName, Settings, settings } from './settings.ts';

/** A rule that concerns several settings. */
interface CrossCheck {
  /** Where its problem stands among those of the other settings. */
  readonly setting: SettingName;
  readonly isMet: (values: Settings, mode: Mode) => boolean;
  /** A whole sentence, unlike the message of a field. */
  readonly problem: string | ((values: Settings) => string);
}

const CROSS_CHECKS: readonly CrossCheck[] = [
  {
    setting: 'AUTH_JWT_SECRET',
    isMet: (values) => values.AUTH_JWT_SECRET === '' || values.AUTH_JWKS_URL === '',
    problem: 'AUTH_JWT_SECRET and AUTH_JWKS_URL exclude each other: set only one of them.',
  },
  {
    setting: 'AUTH_JWT_SECRET',
    isMet: (values, mode) => mode === 'embedded' || values.AUTH_JWT_SECRET !== '' || values.AUTH_JWKS_URL !== '',
    problem: 'AUTH_JWT_SECRET (32 bytes or more) or AUTH_JWKS_URL must be set with DATABASE_URL.',
  },
  {
    setting: 'TOKEN_ENCRYPTION_KEY',
    isMet: (values) =>
      values.TOKEN_DELIVERY !== 'proxy' || values.AUTH_JWKS_URL === '' || values.TOKEN_ENCRYPTION_KEY.length > 0,
    problem:
      'TOKEN_ENCRYPTION_KEY must be set with TOKEN_DELIVERY=proxy and AUTH_JWKS_URL: it signs the session tokens.',
  },
  {
    setting: 'VENDOR',
    isMet: (values) => values.VENDOR !== null,
    problem: 'VENDOR must be set with DATABASE_URL: liveavatar or heygen, or simulator to try without one.',
  },
  {
    setting: 'LIVEAVATAR_API_KEY',
    isMet: (values) => values.VENDOR !== 'liveavatar' || values.LIVEAVATAR_API_KEY !== '',
    problem: 'LIVEAVATAR_API_KEY must be set with VENDOR=liveavatar.',
  },
  {
    setting: 'LIVEAVATAR_AVATARS',
    isMet: (values) => values.VENDOR !== 'liveavatar' || values.LIVEAVATAR_AVATARS.size !== 0,
    problem: 'LIVEAVATAR_AVATARS must be set with VENDOR=liveavatar.',
  },
  {
    setting: 'HEYGEN_API_KEY',
    isMet: (values) => values.VENDOR !== 'heygen' || values.HEYGEN_API_KEY !== '',
    problem: 'HEYGEN_API_KEY must be set with VENDOR=heygen.',
  },
  {
    setting: 'MIN_SESSION_SECONDS',
    // Not `<=`: a setting with a problem of its own has no number to compare, and one problem is enough.
    isMet: (values) => !(values.MIN_SESSION_SECONDS > values.MAX_SESSION_SECONDS),
    problem: ({ MIN_SESSION_SECONDS: min, MAX_SESSION_SECONDS: max }) =>
      `MIN_SESSION_SECONDS (${min}) must not be greater than MAX_SESSION_SECONDS (${max}).`,
  },
];

/**
 * All settings, or those that are needed, with the rules that concern several of them. These are checked even if other
 * settings have problems.
 */
export function withCrossChecks(schema: typeof settings, mode: Mode): typeof settings {
  return CROSS_CHECKS.filter(({ setting }) => setting in schema.shape).reduce(
    (checked, { setting, isMet, problem }) =>
      checked.refine((values) => isMet(values, mode), {
        path: [setting],
        params: { isSentence: true },
        when: () => true,
        error: ({ input }) => (typeof problem === 'string' ? problem : problem(input as Settings)),
      }),
    schema,
  );
}

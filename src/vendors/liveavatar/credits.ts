/** The mode under which sandbox sessions are billed, whichever mode they run in. */
export const SANDBOX = 'SANDBOX';

/** LiveAvatar documentation, FAQ on credits. */
const CREDITS_PER_MINUTE: Readonly<Record<string, string>> = { FULL: '2', LITE: '1', [SANDBOX]: '0' };

/** Credits a minute, a decimal string; null for a mode that is not known. */
export function creditsPerMinute(mode: string): string | null {
  return Object.hasOwn(CREDITS_PER_MINUTE, mode) ? (CREDITS_PER_MINUTE[mode] ?? null) : null;
}

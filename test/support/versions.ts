/** The version that the quota of a month of UTC begins with, by default of the present one. */
export function firstVersion(at = new Date()): number {
  return ((at.getUTCFullYear() - 2000) * 12 + at.getUTCMonth() + 1) * 1_000_000;
}

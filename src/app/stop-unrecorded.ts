import type { AppDeps } from './deps.ts';

/** Each attempt takes as long as one call to the vendor may take. */
const ATTEMPTS = 3;

/**
 * Stops a session that the vendor opened and that could not be saved, so that the outbox of stops does not know it. Returns
 * whether the vendor confirmed the stop. Reports both cases: an operator must know of a session that may still run.
 *
 * @param cause why the session could not be saved
 */
export async function stopUnrecorded(
  { vendor, onBackgroundError }: Pick<AppDeps, 'vendor' | 'onBackgroundError'>,
  avatarSessionId: string,
  cause: unknown,
): Promise<boolean> {
  onBackgroundError(cause);
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    try {
      await vendor.stop(avatarSessionId, 'vendor_error');
      onBackgroundError(new Error(`Session ${avatarSessionId} could not be saved. The vendor has stopped it.`));
      return true;
    } catch (error) {
      onBackgroundError(error);
    }
  }
  onBackgroundError(
    new Error(
      `Session ${avatarSessionId} could not be saved, and the vendor has not confirmed its stop. Stop it there.`,
    ),
  );
  return false;
}

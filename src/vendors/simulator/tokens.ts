import { randomBytes } from 'node:crypto';
import { jwtVerify, SignJWT } from 'jose';
import { z } from 'zod';

const Claims = z.object({ session_id: z.string() });

/** Session tokens as the vendor's SDK reads them: JWTs with the mode at `start_session_data.mode`. */
export class SessionTokens {
  readonly #key = randomBytes(32);

  sign(sessionId: string, mode: 'FULL' | 'LITE'): Promise<string> {
    return new SignJWT({ session_id: sessionId, start_session_data: { mode } })
      .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
      .sign(this.#key);
  }

  /** The session that the token opens; null if the token is not one of ours. Tokens do not expire. */
  async verify(token: string): Promise<string | null> {
    try {
      const { payload } = await jwtVerify(token, this.#key, { algorithms: ['HS256'] });
      return Claims.parse(payload).session_id;
    } catch {
      return null;
    }
  }
}

// #region readme
import { SignJWT } from 'jose';

const secret = new TextEncoder().encode(process.env.AUTH_JWT_SECRET);

/** A token for the user who is signed in to your app. */
export function signToken(userId: string): Promise<string> {
  return new SignJWT().setProtectedHeader({ alg: 'HS256' }).setSubject(userId).setExpirationTime('15m').sign(secret);
}
// #endregion

if (import.meta.main) process.stdout.write(await signToken(process.argv[2] ?? ''));

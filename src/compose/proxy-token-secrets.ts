import { randomBytes } from 'node:crypto';
import type { Config, JwksAuth, SecretAuth } from '../config.ts';

type Secret = string | Uint8Array;

/** What the service's own session tokens are signed by: the same on every node. */
export function proxyTokenSecrets(
  { tokenEncryptionKeys: [key, ...earlierKeys] }: Pick<Config, 'tokenEncryptionKeys'>,
  auth: SecretAuth | JwksAuth,
): [Secret, ...Secret[]] {
  if (key) return [key, ...earlierKeys];
  // Without either, the settings allow no such tokens, and none is recognized.
  return [auth.kind === 'secret' ? auth.secret : randomBytes(32)];
}

import { randomBytes } from 'node:crypto';
import type { Config, JwksAuth, SecretAuth } from '../config.ts';

type Secret = string | Uint8Array;

/** What the service's own session tokens are signed by, and unused tokens encrypted by: the same on every node. */
export function tokenSecrets(
  { tokenEncryptionKeys: [key, ...earlierKeys] }: Pick<Config, 'tokenEncryptionKeys'>,
  auth: SecretAuth | JwksAuth,
): [Secret, ...Secret[]] {
  if (key) return [key, ...earlierKeys];
  // Without either, each process hands out again only the tokens that it has minted itself.
  return [auth.kind === 'secret' ? auth.secret : randomBytes(32)];
}

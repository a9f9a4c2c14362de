import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto';

/** Keeps tokens that may be handed out again, so that neither the database nor a backup of it shows them. */
export interface TokenSeal {
  /** Encrypts a token for one record. */
  seal(token: string, recordId: string): string;
  /** Null for one that was sealed by a key that is not known any more, for another record, or changed. */
  open(sealed: string, recordId: string): string | null;
}

const ALGORITHM = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const KEY_ID_BYTES = 4;

/**
 * AES-256-GCM (NIST SP 800-38D) with keys derived from secrets (HKDF, RFC 5869). The first secret seals, all of them open, so that
 * a secret can be replaced while tokens are out.
 *
 * @param secrets one or more
 */
export function createTokenSeal(secrets: readonly (string | Uint8Array)[]): TokenSeal {
  const keys = secrets.map(deriveKey);
  const [newest] = keys;
  if (!newest) throw new RangeError('Without a secret there is no key');
  return {
    seal(token, recordId) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv(ALGORITHM, newest.key, nonce).setAAD(Buffer.from(recordId));
      const text = Buffer.concat([cipher.update(token, 'utf8'), cipher.final()]);
      return Buffer.concat([newest.id, nonce, cipher.getAuthTag(), text]).toString('base64');
    },
    open(sealed, recordId) {
      const bytes = Buffer.from(sealed, 'base64');
      const [id, nonce, tag, text] = split(bytes, [KEY_ID_BYTES, NONCE_BYTES, TAG_BYTES]);
      const key = keys.find((known) => id && known.id.equals(id))?.key;
      if (!key || !nonce || !tag || !text || tag.length < TAG_BYTES) return null;
      try {
        const decipher = createDecipheriv(ALGORITHM, key, nonce).setAAD(Buffer.from(recordId)).setAuthTag(tag);
        return Buffer.concat([decipher.update(text), decipher.final()]).toString('utf8');
      } catch {
        return null;
      }
    },
  };
}

function deriveKey(secret: string | Uint8Array): { id: Buffer; key: Buffer } {
  const key = Buffer.from(hkdfSync('sha256', secret, '', 'avatar-quota token seal', 32));
  return { id: createHash('sha256').update(key).digest().subarray(0, KEY_ID_BYTES), key };
}

/** Parts of the given lengths, and the rest. */
function split(bytes: Buffer, lengths: readonly number[]): Buffer[] {
  let rest = bytes;
  const parts = lengths.map((length) => {
    const part = rest.subarray(0, length);
    rest = rest.subarray(length);
    return part;
  });
  return [...parts, rest];
}

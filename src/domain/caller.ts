/** Who calls, as proved by a verified token. */
export interface Caller {
  readonly userId: string;
  readonly isAdmin: boolean;
  /** When the proof ends. A connection that outlives it must be closed. */
  readonly expiresAt: Date;
}

const MAX_USER_ID_CHARACTERS = 255;

/**
 * Whether a text can name a user: 1 to 255 characters that PostgreSQL stores unchanged.
 *
 * It takes no NUL, and half a surrogate pair would be replaced on its way, making one user of two.
 */
export function isUserId(text: string): boolean {
  const characters = [...text].length;
  return characters >= 1 && characters <= MAX_USER_ID_CHARACTERS && !text.includes('\0') && text.isWellFormed();
}

import type { QuotaLimit } from './quota.ts';

/** What a token would get at a moment, or why it would be refused. */
export type Admission =
  | { readonly outcome: 'granted'; readonly grantSeconds: number }
  | Reissue
  /** Another call for the same conversation waits for the vendor's token, granted so much: ask again. */
  | { readonly outcome: 'minting'; readonly grantSeconds: number }
  | { readonly outcome: 'inactive' }
  | { readonly outcome: 'rate_limited'; readonly retryAt: Date }
  | ({ readonly outcome: 'concurrency' } & MayReturn)
  | ({ readonly outcome: 'exceeded'; readonly limit: QuotaLimit } & MayReturn)
  | ({ readonly outcome: 'account_crowded' | 'account_exceeded' } & MayReturn);

/** An unused token that is handed out once more, and what it was granted. */
export interface Reissue {
  readonly outcome: 'reissued';
  readonly recordId: string;
  readonly avatarSessionId: string | null;
  /** Encrypted. */
  readonly sealedToken: string;
  readonly expiresAt: Date;
  readonly grantSeconds: number;
}

/** A refusal of a user of whom something is still held for records that have ended. */
interface MayReturn {
  readonly prospect?: Prospect;
}

export interface Prospect {
  /** When something may return. Null where only the vendor's stop returns it, and that is not known to come. */
  readonly retryAt: Date | null;
  /** Whether sessions of the user wait for the vendor to confirm their stop. */
  readonly isStopping: boolean;
}

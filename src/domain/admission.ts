import type { QuotaLimit } from './quota.ts';

/** What a token would get at a moment, or why it would be refused. */
export type Admission =
  | { readonly outcome: 'granted'; readonly grantSeconds: number }
  | { readonly outcome: 'inactive' }
  | { readonly outcome: 'rate_limited'; readonly retryAt: Date }
  | { readonly outcome: 'concurrency' }
  | { readonly outcome: 'exceeded'; readonly limit: QuotaLimit }
  | { readonly outcome: 'account_crowded' }
  | { readonly outcome: 'account_exceeded' };

import type { RestCall } from './call.ts';
import { canCreateSessionCall } from './calls/can-create-session.ts';
import { createTokenCall } from './calls/create-token.ts';
import { historyCall } from './calls/history.ts';
import { quotaCall } from './calls/quota.ts';
import { summaryCall } from './calls/summary.ts';
import { trackEndCall } from './calls/track-end.ts';
import { trackStartCall } from './calls/track-start.ts';

/** Every REST call. The router and the OpenAPI document both read this list. */
export const CALLS: readonly RestCall[] = [
  createTokenCall,
  trackStartCall,
  trackEndCall,
  quotaCall,
  canCreateSessionCall,
  summaryCall,
  historyCall,
];

import { builder } from './builder.ts';
import './scalars.ts';
import './types/quota.ts';
import './types/usage-record.ts';
import './types/usage-history.ts';
import './types/usage-summary.ts';
import './types/session-permission.ts';
import './types/create-token.ts';
import './types/track-start.ts';
import './types/track-heartbeat.ts';
import './types/track-end.ts';
import './subscriptions/quota-updated.ts';

export const schema = builder.toSchema();

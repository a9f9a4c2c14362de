import { GraphQLSchema } from 'graphql';
import { builder } from './builder.ts';
import { SCHEMA_DESCRIPTION } from './description.ts';
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

/** Pothos has no option for the description of a schema. */
export const schema = new GraphQLSchema({ ...builder.toSchema().toConfig(), description: SCHEMA_DESCRIPTION });

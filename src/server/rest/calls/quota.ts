import { z } from 'zod';
import { readQuota } from '../../../app/read-quota.ts';
import { quotaSchema, quotaShape } from '../answers/quota.ts';
import { defineCall } from '../call.ts';

export const quotaCall = defineCall({
  method: 'GET',
  path: 'usage/quota',
  tag: 'Usage',
  operationId: 'getQuota',
  summary: 'Get the quota',
  description: 'Returns the quota of the user for the current month. It is up to date, including running sessions.',
  input: z.object({}),
  answers: [quotaSchema],
  errors: [],
  run: async (deps, { userId }) => quotaShape(await readQuota(deps, userId)),
});

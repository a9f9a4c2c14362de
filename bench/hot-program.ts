import { createPool } from '../src/database/pool.ts';
import { createQuotaStore } from '../src/database/quota-store.ts';
import { consumeAndReward, createLimiter, cycle } from './cycle.ts';
import { HOT_POLICY, type HotOrder } from './hot.ts';
import { measure } from './measure.ts';

// Run by hot.ts: one of the nodes, with a store, a limiter, and a pool of its own.

const [url = ''] = process.argv.slice(2);
const pool = createPool({ url, onError: () => {} });
const store = createQuotaStore({ pool, policy: HOT_POLICY, clock: () => new Date() });
const limiter = await createLimiter(pool);

process.on('message', async ({ what, callers, milliseconds }: HotOrder) => {
  const call = what === 'cycle' ? () => cycle(store, 'hot') : () => consumeAndReward(limiter, 'hot');
  process.send?.(await measure(callers, milliseconds, call));
});
process.on('disconnect', () => pool.end());
process.send?.('ready');

import type { TestStore } from './store.ts';

/** What stands in a message of the channel `quota_events`. */
export interface ToldEvent {
  readonly userId: string;
  readonly period: string;
  readonly version: number;
  readonly reason: string;
  readonly at: number;
  readonly recordId: string | null;
}

export interface Listener {
  (channel: 'quota_events'): Promise<ToldEvent[]>;
  (channel: 'quota_due'): Promise<number[]>;
}

/** Collects what is told from now on. The function returned stops that and gives what was told on a channel. */
export async function listen({ pool }: TestStore): Promise<Listener> {
  const client = await pool.connect();
  const told: { channel: string; payload: unknown }[] = [];
  client.on('notification', ({ channel, payload }) =>
    told.push(...[JSON.parse(payload ?? '')].flat().map((each) => ({ channel, payload: each }))),
  );
  await client.query('LISTEN quota_events; LISTEN quota_due');
  return async (channel: string) => {
    // what was told before this answer arrives before it
    await client.query('UNLISTEN *');
    client.release(true);
    return told.filter((message) => message.channel === channel).map(({ payload }) => payload as never);
  };
}

import type { TestStore } from './store.ts';

/** What stands in a message of the channel `quota_events`. */
export interface PublishedEvent {
  readonly userId: string;
  readonly period: string;
  readonly version: number;
  readonly reason: string;
  readonly at: number;
  readonly recordId: string | null;
}

export interface Listener {
  (channel: 'quota_events'): Promise<PublishedEvent[]>;
  (channel: 'quota_due'): Promise<number[]>;
}

/** Collects notifications from now on. The returned function stops that and returns those of a channel. */
export async function listen({ pool }: TestStore): Promise<Listener> {
  const client = await pool.connect();
  const notifications: { channel: string; payload: unknown }[] = [];
  client.on('notification', ({ channel, payload }) =>
    notifications.push(...[JSON.parse(payload ?? '')].flat().map((each) => ({ channel, payload: each }))),
  );
  await client.query('LISTEN quota_events; LISTEN quota_due');
  return async (channel: string) => {
    // earlier notifications arrive before this answer
    await client.query('UNLISTEN *');
    client.release(true);
    return notifications.filter((message) => message.channel === channel).map(({ payload }) => payload as never);
  };
}

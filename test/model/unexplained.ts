import type { Event } from './linearise.ts';
import type { Instant, ModelUser } from './model.ts';
import type { Observation } from './service.ts';
import { viewOfDatabase, viewOfModel } from './views.ts';

/** Where no order explains a step: shows what was answered, and how far the order given comes. */
export function unexplained(
  users: readonly ModelUser[],
  now: Instant,
  events: readonly Event[],
  observation: Observation,
): string {
  const names = users.map(({ id }) => id).join(', ');
  return [
    `No order of these explains what became of ${names} at ${new Date(now).toISOString()}:`,
    ...events.map(describe),
    ...users.flatMap((user) => [
      `${user.id} before: ${show(viewOfModel(user))}`,
      `${user.id} after: ${show(viewOfDatabase(user.id, observation))}`,
    ]),
  ].join('\n');
}

function describe(event: Event): string {
  if ('sweep' in event) return `sweep of ${event.sweep.kind} on node ${event.sweep.node}`;
  if ('entry' in event) return `price entered on node ${event.entry.node} ${show(event.entry.price)}`;
  return `${event.act.kind} on node ${event.act.node} ${show(event.act.request)} answered ${show(event.answer)}`;
}

function show(value: unknown): string {
  return JSON.stringify(value, (_key, item) => {
    if (typeof item === 'bigint') return item.toString();
    if (item instanceof Map) return Object.fromEntries(item);
    return item instanceof Uint8Array ? '…' : item;
  });
}

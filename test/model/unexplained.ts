import type { Event, PriceEntry } from './linearise.ts';
import type { ModelUser } from './model.ts';
import type { Observation } from './service.ts';
import { viewOfDatabase, viewOfModel } from './views.ts';
import type { World } from './world.ts';

/** Where no order explains a step: shows what was answered, and how far the order given comes. */
export function unexplained(
  users: readonly ModelUser[],
  { now, rules }: World,
  events: readonly Event[],
  entry: PriceEntry | null,
  observation: Observation,
): string {
  const names = users.map(({ id }) => id).join(', ');
  return [
    `No order of these explains what became of ${names} at ${new Date(now).toISOString()}:`,
    ...events.map(describe),
    ...(entry ? [`price entered on node ${entry.node} ${show(entry.price)}`] : []),
    ...users.flatMap((user) => [
      `${user.id} before: ${show(viewOfModel(user, rules))}`,
      `${user.id} after: ${show(viewOfDatabase(user.id, observation))}`,
    ]),
  ].join('\n');
}

function describe(event: Event): string {
  if ('sweep' in event) return `sweep of ${event.sweep.userId} on node ${event.sweep.node}`;
  return `${event.act.kind} on node ${event.act.node} ${show(event.act.request)} answered ${show(event.answer)}`;
}

function show(value: unknown): string {
  return JSON.stringify(value, (_key, item) => {
    if (typeof item === 'bigint') return item.toString();
    if (item instanceof Map) return Object.fromEntries(item);
    return item instanceof Uint8Array ? '…' : item;
  });
}

import type { AsyncCommand } from 'fast-check';
import type { Service } from '../service.ts';
import type { World } from '../world.ts';

export type Command = AsyncCommand<World, Service, true>;

/** A step, printed as its name and what was drawn for it. */
export function command(
  name: string,
  drawn: unknown,
  run: (world: World, service: Service) => Promise<void>,
  check: (world: World) => boolean = () => true,
): Command {
  const text = JSON.stringify(drawn, (_key, value) => (typeof value === 'bigint' ? `${value}n` : value));
  return { check: async (world) => check(world), run, toString: () => `${name}(${text})` };
}

import { mkdtemp, readdir, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isAlive } from '../../src/embedded-postgres/cluster.ts';
import { startEmbeddedPostgres } from '../../src/embedded-postgres/embedded-postgres.ts';

const PREFIX = 'avatar-quota-test-';

/** Linux keeps these files in memory, where copying a database takes a fifth of the time. */
const MEMORY = '/dev/shm';
/** In bytes, far more than the databases of a run take. A container has 64 MiB by default. */
const ENOUGH_MEMORY = 2 ** 31;

/** Makes a directory for an embedded PostgreSQL of the tests: in memory where there is enough of it. */
export async function createDataDirectory(): Promise<string> {
  const parent = (await freeMemory()) > ENOUGH_MEMORY ? MEMORY : tmpdir();
  return await mkdtemp(join(parent, `${PREFIX}${process.pid}-`));
}

async function freeMemory(): Promise<number> {
  const { bavail, bsize } = await statfs(MEMORY).catch(() => ({ bavail: 0, bsize: 0 }));
  return bavail * bsize;
}

/** Stops the servers and removes the directories of runs that were killed, which a Ctrl-C to vitest does as well. */
export async function removeAbandonedDirectories(): Promise<void> {
  await Promise.all([tmpdir(), MEMORY].map(removeAbandonedIn));
}

async function removeAbandonedIn(parent: string): Promise<void> {
  for (const name of await readdir(parent).catch(() => [])) {
    if (!name.startsWith(PREFIX) || isAlive(Number.parseInt(name.slice(PREFIX.length), 10))) continue;
    const dataDir = join(parent, name);
    try {
      const postgres = await startEmbeddedPostgres({ dataDir });
      await postgres.stop();
    } catch {
      // Another run is removing it too, or it was never complete.
    }
    await rm(dataDir, { recursive: true, force: true });
  }
}

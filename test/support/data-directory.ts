import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmbeddedPostgres } from '../../src/database/embedded.ts';
import { isAlive } from '../../src/database/embedded-cluster.ts';

const PREFIX = 'avatar-quota-test-';

/** Makes a directory for an embedded PostgreSQL of the tests. */
export async function createDataDirectory(): Promise<string> {
  return await mkdtemp(join(tmpdir(), `${PREFIX}${process.pid}-`));
}

/** Stops the servers and removes the directories of runs that were killed, which a Ctrl-C to vitest does as well. */
export async function removeAbandonedDirectories(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    if (!name.startsWith(PREFIX) || isAlive(Number.parseInt(name.slice(PREFIX.length), 10))) continue;
    const dataDir = join(tmpdir(), name);
    try {
      const postgres = await startEmbeddedPostgres({ dataDir });
      await postgres.stop();
    } catch {
      // Another run is removing it too, or it was never complete.
    }
    await rm(dataDir, { recursive: true, force: true });
  }
}

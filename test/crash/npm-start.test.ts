import { access, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest';
import { childrenOf } from '../support/children.ts';
import { createDataDirectory } from '../support/data-directory.ts';
import { type NodeProcess, spawnCommand, startByCommand } from '../support/node-process.ts';
import { waitFor } from '../support/wait-for.ts';

const SIGNALS = ['SIGTERM', 'SIGINT'] as const;
/** What Docker grants before it kills. */
const GRACE_MS = 10_000;

let dataDir: string;

beforeAll(async () => {
  dataDir = await createDataDirectory();
});

afterAll(async () => {
  await rm(dataDir, { recursive: true });
});

describe('npm start', { timeout: 60_000 }, () => {
  it.for(SIGNALS)('stops in order when only npm receives %s', async (signal) => {
    await using service = await startByCommand(['npm', 'start'], settings());
    await expectToStop(service, service.pid, signal);
  });

  it.for(SIGNALS)('stops in order when only npm, started by a shell, receives %s', async (signal) => {
    // The second command keeps every shell from replacing itself with npm.
    await using service = await startByCommand(['sh', '-c', 'npm start; exit $?'], settings());
    await expectToStop(service, await childOf(service.pid), signal);
  });

  it('stops in order on Ctrl-C, which reaches npm and the service', async () => {
    await using service = await startByCommand(['npm', 'start'], settings());
    await expectToStop(service, -service.pid, 'SIGINT');
  });

  it('leaves nothing running after a Ctrl-C while it creates the database', async () => {
    const empty = await createDataDirectory();
    const { child, ended, text } = spawnCommand(['npm', 'start'], settings(empty), { detached: true });
    await waitFor(async () => (await readdir(empty)).some((name) => name.startsWith('postgres.init-')));
    process.kill(-(child.pid ?? 0), 'SIGINT');
    const { code, signal } = await ended;
    expect({ code, signal, errors: text.errors }).toEqual({ code: 0, signal: null, errors: '' });
    await expectStopped(empty);
    await rm(empty, { recursive: true });
  });
});

describe('as the first process of a container', { timeout: 60_000 }, () => {
  const commands = [
    ['npm', 'start'],
    ['node', 'src/start.js'],
  ];
  const cases = commands.flatMap((command) => SIGNALS.map((signal) => [command.join(' '), signal, command] as const));

  it.for(cases)('%s stops in order on %s', async ([, signal, command], test) => {
    requireRoot(test);
    const inContainer = ['unshare', '--pid', '--fork', '--mount-proc', ...command] as const;
    await using service = await startByCommand(inContainer, settings());
    await expectToStop(service, await childOf(service.pid), signal);
  });
});

function settings(directory = dataDir) {
  return { DATA_DIR: directory, PORT: '0' };
}

/** Signals one process, or a group; expects the command to succeed, and nothing that it started to be left. */
async function expectToStop(service: NodeProcess, target: number, signal: NodeJS.Signals): Promise<void> {
  expect((await fetch(`${service.url}/readyz`)).status).toBe(200);
  const from = Date.now();
  process.kill(target, signal);
  expect(await service.ended).toEqual({ code: 0, signal: null });
  expect(Date.now() - from).toBeLessThan(GRACE_MS);
  expect(service.errors()).toBe('');
  await expect(fetch(`${service.url}/healthz`)).rejects.toThrow();
  await expectStopped(dataDir);
}

/** PostgreSQL itself removes the file when it has shut down in order. */
async function expectStopped(directory: string): Promise<void> {
  await expect(access(join(directory, 'postgres', 'postmaster.pid'))).rejects.toThrow('ENOENT');
}

async function childOf(pid: number): Promise<number> {
  const [child, ...others] = await childrenOf(pid);
  if (child === undefined || others.length > 0) throw new Error(`Process ${pid} has not one child`);
  return child;
}

/** Only root may make a PID namespace and mount its /proc. Without it the test is skipped, except in CI, where it fails. */
function requireRoot({ skip }: TestContext): void {
  if (process.getuid?.() === 0 && process.platform === 'linux') return;
  const reason = 'A PID namespace needs Linux and root';
  if (process.env.CI === 'true') throw new Error(reason);
  skip(reason);
}

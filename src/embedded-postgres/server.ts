import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rm } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { type Cluster, explainFailure, isAlive, runLogged } from './cluster.ts';

/** Seconds for a start, which may have to replay a crash, and for a stop, which ends with a checkpoint. */
const PATIENCE_SECONDS = 60;

const FLAGS = [
  '-c listen_addresses=127.0.0.1',
  '-c unix_socket_directories=',
  '-c max_connections=100',
  '-c shared_buffers=128MB',
  '-c log_checkpoints=off',
  // Errors of statements go to the client, not into the log; what is left is starts, stops and crashes.
  '-c log_min_messages=log',
];

/**
 * Starts a server, out of reach of the terminal's Ctrl-C (`pg_ctl` gives it a session of its own): it runs until
 * it is stopped, also after this process is killed.
 * @throws Error when it does not get ready, be it that another process started one meanwhile
 */
export async function launchServer(cluster: Cluster, flags: readonly string[]): Promise<void> {
  const options = [...FLAGS, `-p ${await findFreePort()}`, ...flags].join(' ');
  const args = [
    'start',
    '-w',
    `--timeout=${PATIENCE_SECONDS}`,
    `--pgdata=${cluster.directory}`,
    `--options=${options}`,
  ];
  const code = await runLogged(cluster, 'pg_ctl', args, { cwd: cluster.directory });
  if (code !== 0) throw new Error(await explainFailure(cluster, `pg_ctl start ended with code ${code}`));
}

/** Stops the server, cutting connections and losing no commit. */
export async function stopServer(cluster: Cluster): Promise<void> {
  const args = ['stop', '--mode=fast', '-w', `--timeout=${PATIENCE_SECONDS}`, `--pgdata=${cluster.directory}`];
  const code = await runLogged(cluster, 'pg_ctl', args, { cwd: cluster.directory, append: true });
  if (code !== 0) {
    throw new Error(`The embedded PostgreSQL in ${cluster.directory} did not stop. Its log: ${cluster.logFile}`);
  }
}

/**
 * The port of the server that already runs on the cluster, started by a process that is still there or by one that was
 * killed. Waits while it is starting or stopping.
 */
export async function findRunningPort(cluster: Cluster): Promise<number | undefined> {
  const pidFile = join(cluster.directory, 'postmaster.pid');
  for (let waited = 0; waited < PATIENCE_SECONDS; waited += 0.1) {
    const content = await readFile(pidFile, 'utf8').catch(() => '');
    // Its lines: pid, directory, start, port, socket, address, shared memory, status.
    const lines = content.split('\n').map((line) => line.trim());
    const pid = Number(lines[0]);
    if (!pid || !isAlive(pid)) return undefined; // PostgreSQL itself ignores the file of a dead server

    if (!(await isPostgres(pid, cluster.directory))) {
      // After a reboot the id may belong to anyone, which PostgreSQL takes for a server that still runs. Should this be
      // wrong all the same, the shared memory of the old server keeps a second one from starting.
      await rm(pidFile, { force: true });
      return undefined;
    }
    if (lines[7] === 'ready') return Number(lines[3]);
    await sleep(100);
  }
  throw new Error(
    `The PostgreSQL that already runs in ${cluster.directory} did not get ready in ${PATIENCE_SECONDS} seconds. Stop it, then start again.`,
  );
}

async function isPostgres(pid: number, directory: string): Promise<boolean> {
  if (process.platform === 'win32') return true; // where PostgreSQL finds out by itself
  const command =
    process.platform === 'linux'
      ? await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
      : await promisify(execFile)('ps', ['-ww', '-o', 'command=', '-p', String(pid)]).then(
          ({ stdout }) => stdout,
          () => '',
        );
  return command.includes('postgres') && command.includes(directory);
}

async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

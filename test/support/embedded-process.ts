import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

export interface EmbeddedProcess {
  readonly url: string;
  readonly process: ChildProcess;
}

/** Starts a Node process, in a process group of its own, that runs the embedded PostgreSQL until it gets a SIGINT. */
export async function startEmbeddedProcess(dataDir: string): Promise<EmbeddedProcess> {
  const program = fileURLToPath(new URL('embedded-program.ts', import.meta.url));
  const child = spawn(process.execPath, [program, dataDir], { detached: true, stdio: ['ignore', 'pipe', 'inherit'] });
  const [url] = (await Promise.race([
    once(child.stdout, 'data'),
    once(child, 'exit').then(([code]) => Promise.reject(new Error(`It ended with code ${code}.`))),
  ])) as [Buffer];
  return { url: url.toString().trim(), process: child };
}

/** The process id of the server that runs in the directory, or ran there and was killed. */
export async function readServerPid(dataDir: string): Promise<number> {
  return Number.parseInt(await readFile(join(dataDir, 'postgres', 'postmaster.pid'), 'utf8'), 10);
}

/** Waits until there is no such process, or only its zombie. */
export async function waitForExit(pid: number): Promise<void> {
  while (await isRunning(pid)) await sleep(10);
}

async function isRunning(pid: number): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  const status = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return !status.includes(') Z ');
}

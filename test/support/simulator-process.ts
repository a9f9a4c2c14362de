import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** The simulated vendor in a process of its own, where it may keep all its sessions in memory. Disposing ends it. */
export async function startSimulatorProcess(): Promise<{ readonly url: string } & AsyncDisposable> {
  const program = fileURLToPath(new URL('simulator-program.ts', import.meta.url));
  const child = spawn(process.execPath, [program], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  const [url] = (await Promise.race([
    once(child.stdout, 'data'),
    ended.then(([code]) => Promise.reject(new Error(`It ended with code ${code}.`))),
  ])) as [Buffer];
  return {
    url: url.toString().trim(),
    async [Symbol.asyncDispose]() {
      child.kill();
      await ended;
    },
  };
}

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { delimiter } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** A new user's environment: it has nothing of the project that runs the test. */
const ENVIRONMENT = {
  HOME: process.env.HOME,
  PATH: (process.env.PATH ?? '')
    .split(delimiter)
    .filter((folder) => !/node_modules|node-gyp-bin/.test(folder))
    .join(delimiter),
};

/** Commands that were typed into a shell. Disposing presses Ctrl+C and waits for their end. */
export interface Typed extends AsyncDisposable {
  /** Resolves when this was printed, where `…` stands for anything on a line; rejects if the commands end before. */
  prints(expected: string): Promise<void>;
}

export function typeCommands(commands: string, folder: string, settings: Record<string, string> = {}): Typed {
  const shell = spawn('bash', ['-ec', commands], {
    cwd: folder,
    env: { ...ENVIRONMENT, ...settings },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [shell.stdout, shell.stderr]) stream.on('data', (chunk) => (output += chunk));
  let hasEnded = false;
  const ended = once(shell, 'close').then(() => {
    hasEnded = true;
  });
  return {
    async prints(expected) {
      const pattern = new RegExp(`^${expected.trim().split('…').map(escapePattern).join('.*')}$`, 'm');
      while (!pattern.test(output)) {
        if (hasEnded) throw new Error(`Expected\n${expected}\nbut it printed\n${output}`);
        await Promise.race([sleep(50), ended]);
      }
    },
    async [Symbol.asyncDispose]() {
      if (!hasEnded) process.kill(-(shell.pid ?? 0), 'SIGINT');
      await ended;
    },
  };
}

function escapePattern(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}

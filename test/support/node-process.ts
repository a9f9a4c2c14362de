import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** The service as a process of its own, started as an operator does. */
export interface NodeProcess extends AsyncDisposable {
  readonly url: string;
  readonly webSocketUrl: string;
  readonly pid: number;
  /** What it printed so far. */
  output(): string;
  errors(): string;
  /** Sends a signal and resolves with how the process ended. */
  end(signal: NodeJS.Signals): Promise<Ended>;
}

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

type Settings = Readonly<Record<string, string>>;

/** Starts `src/main.ts` with these settings; rejects with what it printed if it ends before it listens. */
export async function startNodeProcess(settings: Settings): Promise<NodeProcess> {
  const program = spawnProgram('src/main.ts', settings);
  const { child, text } = program;
  const listening = Promise.withResolvers<string>();
  child.stdout?.on('data', () => {
    const url = /\bhttp:\/\/127\.0\.0\.1:\d+/.exec(text.output)?.[0];
    if (url) listening.resolve(url);
  });
  const ended = program.ended.then((how) => {
    listening.reject(new Error(`It ended with ${JSON.stringify(how)}:\n${text.errors}${text.output}`));
    return how;
  });
  const url = await listening.promise;
  return {
    url,
    webSocketUrl: `${url.replace('http', 'ws')}/graphql`,
    pid: child.pid ?? 0,
    output: () => text.output,
    errors: () => text.errors,
    end(signal) {
      child.kill(signal);
      return ended;
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** Runs one of the project's programs to its end. */
export async function runProgram(path: string, settings: Settings) {
  const { text, ended } = spawnProgram(path, settings);
  return { ...(await ended), ...text };
}

function spawnProgram(path: string, settings: Settings) {
  const child: ChildProcess = spawn(process.execPath, [fileURLToPath(new URL(`../../${path}`, import.meta.url))], {
    env: { PATH: process.env.PATH, ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const text = { output: '', errors: '' };
  child.stdout?.on('data', (chunk) => {
    text.output += chunk;
  });
  child.stderr?.on('data', (chunk) => {
    text.errors += chunk;
  });
  const ended = once(child, 'close').then(([code, signal]): Ended => ({ code, signal }));
  return { child, text, ended };
}

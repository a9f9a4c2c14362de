import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** The service as a process of its own, or below one such as npm, started as an operator does. */
export interface NodeProcess extends AsyncDisposable {
  readonly url: string;
  readonly webSocketUrl: string;
  /** Of the command that was started. */
  readonly pid: number;
  /** Resolves when the command and all that inherited its output have ended. */
  readonly ended: Promise<Ended>;
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
export function startNodeProcess(settings: Settings): Promise<NodeProcess> {
  return awaitListening(spawnCommand(nodeCommand('src/main.ts'), settings));
}

/** Does the same by another command. It gets a process group of its own, which disposing kills. */
export function startByCommand(command: Command, settings: Settings): Promise<NodeProcess> {
  return awaitListening(spawnCommand(command, settings, { detached: true }));
}

async function awaitListening(program: SpawnedCommand): Promise<NodeProcess> {
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
    ended,
    output: () => text.output,
    errors: () => text.errors,
    end(signal) {
      child.kill(signal);
      return ended;
    },
    async [Symbol.asyncDispose]() {
      program.kill();
      await ended;
    },
  };
}

/** Runs one of the project's programs to its end. */
export async function runProgram(path: string, settings: Settings) {
  return runCommandLine(nodeCommand(path), settings);
}

/** Runs another command to its end. */
export async function runCommandLine(command: Command, settings: Settings) {
  const { text, ended } = spawnCommand(command, settings);
  return { ...(await ended), ...text };
}

type Command = readonly [program: string, ...args: string[]];
type SpawnedCommand = ReturnType<typeof spawnCommand>;

export function nodeCommand(path: string): Command {
  return [process.execPath, fileURLToPath(new URL(`../../${path}`, import.meta.url))];
}

/** Starts a command with nothing in its environment but `PATH` and these settings. */
export function spawnCommand([program, ...args]: Command, settings: Settings, { detached = false } = {}) {
  const child: ChildProcess = spawn(program, args, {
    env: { PATH: process.env.PATH, ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached,
  });
  const text = { output: '', errors: '' };
  child.stdout?.on('data', (chunk) => {
    text.output += chunk;
  });
  child.stderr?.on('data', (chunk) => {
    text.errors += chunk;
  });
  const ended = once(child, 'close').then(([code, signal]): Ended => ({ code, signal }));
  const kill = () => {
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    process.kill(detached ? -child.pid : child.pid, 'SIGKILL');
  };
  return { child, text, ended, kill };
}

import { execFile } from 'node:child_process';
import { join } from 'node:path';

const SCRIPTS = join(import.meta.dirname, '../../scripts');

/** Runs one of the project's commands with nothing in its environment but the given settings. */
export function runCommand(
  name: 'audit' | 'price' | 'quota' | 'reconcile' | 'token',
  args: readonly string[],
  settings: Record<string, string>,
) {
  return new Promise<{ exitCode: number; stdout: string; stderr: string }>((done) => {
    const child = execFile(
      process.execPath,
      [join(SCRIPTS, `${name}.ts`), ...args],
      { env: settings },
      (_, stdout, stderr) => done({ exitCode: child.exitCode ?? -1, stdout, stderr }),
    );
  });
}

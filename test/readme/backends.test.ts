import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { conversation, post, startTestService } from '../support/service.ts';

const BACKENDS = join(import.meta.dirname, '../../examples/backend');

interface Language {
  readonly file: string;
  /** What may run it, with the arguments that find out whether it can. */
  readonly runners: readonly { readonly command: readonly string[]; readonly probe: readonly string[] }[];
}

const hasJwt = ['-c', 'import jwt'];
const LANGUAGES: Record<string, Language> = {
  'Node.js': { file: 'sign-token.ts', runners: [{ command: [process.execPath], probe: ['--version'] }] },
  Python: {
    file: 'sign_token.py',
    // Debian's python3-jwt is for Debian's Python, which need not be the first one.
    runners: ['python3', '/usr/bin/python3'].map((python) => ({ command: [python], probe: hasJwt })),
  },
  Go: { file: 'sign_token.go', runners: [{ command: ['go', 'run'], probe: ['version'] }] },
};

describe('the backend example signs a token that the service accepts', () => {
  it.for(Object.entries(LANGUAGES))('in %s', { timeout: 120_000 }, async ([name, { file, runners }], { skip }) => {
    const runner = runners.find(({ command: [program = ''], probe }) => succeeds(program, probe));
    if (!runner) {
      const reason = `This machine does not have ${name} with what ${file} imports`;
      if (process.env.CI === 'true') throw new Error(reason);
      return skip(reason);
    }
    await using service = await startTestService();
    const user = `ann-${conversation()}`;
    const [program = '', ...args] = runner.command;
    const token = execFileSync(program, [...args, join(BACKENDS, file), user], {
      env: { ...process.env, AUTH_JWT_SECRET: service.environment.AUTH_JWT_SECRET },
      encoding: 'utf8',
    });
    const { body } = await post(service, token, '{ quota { userId } }');
    expect(body).toEqual({ data: { quota: { userId: user } } });
  });
});

function succeeds(program: string, args: readonly string[]): boolean {
  try {
    execFileSync(program, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import { expect, it } from 'vitest';
import { createLogger, terminalDestination } from '../../../src/server/log.ts';

function logged(write: (logger: ReturnType<typeof createLogger>) => void): string {
  let lines = '';
  write(createLogger('info', { write: (line) => (lines += line) }));
  return lines;
}

it('never writes tokens, secrets or credentials, however they are nested', () => {
  const secrets = { authorization: 'hunter2', token: 'hunter2', secret: 'hunter2', 'x-api-key': 'hunter2' };
  const line = logged((logger) => logger.info({ ...secrets, request: { ...secrets, headers: secrets } }, 'a call'));
  expect(line).not.toContain('hunter2');
  expect(JSON.parse(line)).toMatchObject({ msg: 'a call', request: { headers: { authorization: '[Redacted]' } } });
});

it('writes nothing below its level', () => {
  expect(logged((logger) => logger.debug('a detail'))).toBe('');
});

it('names its level and gives the time in ISO 8601', () => {
  expect(JSON.parse(logged((logger) => logger.warn('a call')))).toMatchObject({
    level: 'warn',
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    msg: 'a call',
  });
});

it('is one readable line for each entry on a terminal', async () => {
  const terminal = new PassThrough({ encoding: 'utf8' });
  createLogger('info', await terminalDestination(terminal)).info({ seconds: 42, token: 'hunter2' }, 'Vendor back');
  const [line] = await once(terminal, 'data');
  expect(stripVTControlCharacters(line)).toMatch(
    /^\[\d\d:\d\d:\d\d\] INFO: Vendor back \{"seconds":42,"token":"\[Redacted\]"\}\n$/,
  );
});

import { describe, expect, it } from 'vitest';
import { asksForHelp, parseOptions, UsageError, userId } from '../../../scripts/arguments.ts';
import { wholeNumber } from '../../../src/config/fields.ts';

const OPTIONS = {
  user: { value: 'ID', field: userId, description: 'The user.', required: true },
  minutes: { value: 'N', field: wholeNumber(0, 100), description: 'Minutes.' },
  days: { value: 'N', field: wholeNumber(1, 31), description: 'Days.', default: '7' },
  json: { description: 'JSON.' },
} as const;

const parse = (...args: string[]) => parseOptions(args, OPTIONS);

describe('the options of a command', () => {
  it('are read by their fields, or have their defaults', () => {
    expect(parse('--user', 'ann')).toEqual({ user: 'ann', minutes: undefined, days: 7, json: false });
    expect(parse('--json', '--minutes=5', '--user=--ann', '--days', '1')).toEqual({
      user: '--ann',
      minutes: 5,
      days: 1,
      json: true,
    });
  });

  it.each<[what: string, args: string[], problem: string]>([
    ['without a required one', ['--minutes', '5'], '--user is required.'],
    ['with an unknown one', ['--user', 'ann', '--seconds', '5'], 'Unknown option: --seconds'],
    ['with one of the prototype', ['--user', 'ann', '--constructor'], 'Unknown option: --constructor'],
    ['with an unknown letter', ['-u', 'ann'], 'Unknown option: -u'],
    ['with one given twice', ['--user', 'ann', '--user', 'bob'], '--user is given twice.'],
    ['with one without its value', ['--user', 'ann', '--minutes'], '--minutes needs a value: --minutes N'],
    ['with one in the place of a value', ['--user', '--json'], '--user needs a value: --user ID'],
    ['with a value for a flag', ['--user', 'ann', '--json=yes'], '--json does not take a value.'],
    ['with a value that its field refuses', ['--user', '', '--json'], '--user must have 1 to 255 characters.'],
    ['with a negative number', ['--user', 'ann', '--minutes', '-1'], '--minutes must be a whole number from 0 to 100.'],
    ['with another argument', ['ann', '--json'], 'Unexpected argument: ann'],
  ])('%s are refused', (_what, args, problem) => {
    expect(() => parse(...args)).toThrow(new UsageError(problem));
  });
});

it('help is asked for by --help or -h, wherever it stands', () => {
  expect([['--help'], ['-h'], ['--user', 'ann', '--help'], ['--user', 'help']].map(asksForHelp)).toEqual([
    true,
    true,
    true,
    false,
  ]);
});

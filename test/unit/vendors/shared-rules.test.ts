import { describe, expect, it } from 'vitest';
import { redact } from '../../../src/vendors/http/redact.ts';
import { parseRetryAfter } from '../../../src/vendors/http/retry-after.ts';
import { wordsOf } from '../../../src/vendors/http/words.ts';

const NOW = new Date('2026-11-05T12:00:00.400Z');

describe('Retry-After', () => {
  it.each([
    ['3', 3],
    ['0', 0],
    ['0.4', 1],
    ['Thu, 05 Nov 2026 12:00:30 GMT', 30],
    ['Thu, 05 Nov 2026 11:00:00 GMT', 0],
    ['-5', null],
    ['soon', null],
    ['', null],
    [null, null],
  ])('%j means %j seconds', (header, seconds) => {
    expect(parseRetryAfter(header, NOW)).toBe(seconds);
  });
});

describe('a message', () => {
  it('loses the key and every token, and stays short and on one line', () => {
    const text = redact(`key s3cret,\n token eyJhbGciOi.eyJzZXNz.c2ln ${'x'.repeat(1000)}`, 's3cret');
    expect(text).toMatch(/^key \[api key\], token \[token\] x+$/);
    expect(text).toHaveLength(300);
  });

  it('loses a token that is one piece of base64', () => {
    expect(redact('token eyJ0b2tlbiI6ICI0ZDk3In0=.', 's3cret')).toBe('token [token].');
  });
});

describe('the words of a refusal', () => {
  it.each([
    [{ message: 'Busy' }, 'Busy'],
    [{ error: 'Unauthorized', data: null }, 'Unauthorized'],
    [{ error: { code: 'x', message: 'Unauthorized' } }, 'Unauthorized'],
    [{ message: 'No', detail: 'Not Found' }, 'No; Not Found'],
    [{ detail: [{ loc: ['body', 'a'], msg: 'missing', type: 't' }] }, 'body.a: missing'],
    [{ message: 7, error: null }, ''],
    ['fine', ''],
    [undefined, 'bare'],
  ])('of %j are %j', (json, words) => {
    expect(wordsOf(json, 'bare')).toBe(words);
  });
});

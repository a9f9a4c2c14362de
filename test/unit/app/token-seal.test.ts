import { describe, expect, it } from 'vitest';
import { createTokenSeal } from '../../../src/app/token-seal.ts';

const TOKEN = 'eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl';

describe('a sealed token', () => {
  it('is opened for its own record, and shows nothing of the token', () => {
    const seal = createTokenSeal(['a secret']);
    const sealed = seal.seal(TOKEN, 'record');
    expect(seal.open(sealed, 'record')).toBe(TOKEN);
    expect(Buffer.from(sealed, 'base64').includes(TOKEN.slice(0, 8))).toBe(false);
    expect(seal.seal(TOKEN, 'record')).not.toBe(sealed);
  });

  it('is not opened for another record, when it was changed, or when it was cut', () => {
    const seal = createTokenSeal(['a secret']);
    const sealed = seal.seal(TOKEN, 'record');
    expect(seal.open(sealed, 'other')).toBeNull();
    const bytes = Buffer.from(sealed, 'base64');
    for (const at of [0, 5, 20, 40]) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(seal.open(changed.toString('base64'), 'record')).toBeNull();
    }
    for (const length of [0, 3, 16, 31, bytes.length - 1]) {
      expect(seal.open(bytes.subarray(0, length).toString('base64'), 'record')).toBeNull();
    }
  });

  it('is opened by an earlier secret while a new one seals', () => {
    const old = createTokenSeal(['old']);
    const rotated = createTokenSeal(['new', 'old']);
    expect(rotated.open(old.seal(TOKEN, 'record'), 'record')).toBe(TOKEN);
    expect(old.open(rotated.seal(TOKEN, 'record'), 'record')).toBeNull();
    expect(createTokenSeal(['new']).open(rotated.seal(TOKEN, 'record'), 'record')).toBe(TOKEN);
  });
});

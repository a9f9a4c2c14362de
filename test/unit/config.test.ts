import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ConfigError, loadSettings } from '../../src/config/load-settings.ts';
import { DATABASE_KEYS, databaseOf, loadConfig, POLICY_KEYS, policyOf } from '../../src/config.ts';

const PRODUCTION = {
  DATABASE_URL: 'postgresql://quota:hunter2@db.example:5432/quota',
  AUTH_JWT_SECRET: 'a secret of thirty-two bytes or more',
  VENDOR: 'simulator',
};
const AVATAR_ID = '0f6f9a5c-3b3e-4d0c-9a51-1f0f4a5d2c11';
const LIVEAVATAR = {
  VENDOR: 'liveavatar',
  LIVEAVATAR_API_KEY: 'key-123',
  LIVEAVATAR_AVATARS: JSON.stringify({ anna: { avatar_id: AVATAR_ID } }),
};

function problemsOf(env: Record<string, string>): readonly string[] {
  try {
    loadConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

describe('without any setting', () => {
  it('is embedded, with every default of the documentation', () => {
    expect(loadConfig({})).toEqual({
      mode: 'embedded',
      port: 4000,
      host: '127.0.0.1',
      databaseUrl: null,
      dataDir: resolve('.data'),
      auth: { kind: 'generated', issuer: null, audience: null, roleClaim: 'role', adminRole: 'admin' },
      vendor: {
        kind: 'simulator',
        api: 'liveavatar',
        port: 0,
        maxConcurrency: null,
        credits: null,
        maxSessionSeconds: null,
      },
      tokenDelivery: 'direct',
      tokenEncryptionKeys: [],
      policy: {
        defaultLimitMinutes: 60,
        defaultLimitCost: 50_000_000n,
        pricePerMinute: 500_000n,
        priceIsSet: false,
        currency: 'USD',
        thresholds: [80],
        maxSessionSeconds: 1800,
        minSessionSeconds: 60,
        maxConcurrentSessions: 1,
        maxTokensPerMinute: 30,
        accountLimitCost: null,
        accountMaxSessions: null,
        tokenTtlSeconds: 300,
        heartbeatSeconds: 30,
        billingTimeZone: 'UTC',
      },
      reconcileIntervalSeconds: 300,
      reconcileWindowSeconds: 259_200,
      corsOrigins: [],
      graphiql: true,
      metrics: false,
      logLevel: 'info',
    });
  });

  it('takes an empty value for no value', () => {
    const empty = { PORT: '', DATABASE_URL: '', AUTH_JWT_SECRET: '', VENDOR: '', CORS_ORIGINS: '', REDIS_URL: '' };
    expect(loadConfig(empty)).toEqual(loadConfig({}));
  });
});

describe('with DATABASE_URL', () => {
  it('is production: it listens everywhere and shows no GraphiQL unless asked to', () => {
    const config = loadConfig(PRODUCTION);
    expect(config).toMatchObject({ mode: 'production', host: '0.0.0.0', graphiql: false });
    expect(config.databaseUrl).toBe(PRODUCTION.DATABASE_URL);
    expect(loadConfig({ ...PRODUCTION, GRAPHIQL: 'on', HOST: '::1' })).toMatchObject({ host: '::1', graphiql: true });
  });

  it('demands real authentication and a vendor by name', () => {
    expect(problemsOf({ DATABASE_URL: PRODUCTION.DATABASE_URL })).toEqual([
      'AUTH_JWT_SECRET (32 bytes or more) or AUTH_JWKS_URL must be set with DATABASE_URL.',
      'VENDOR must be set with DATABASE_URL: liveavatar or heygen, or simulator to try without one.',
    ]);
  });

  it.each([
    'mysql://db/quota',
    'db.example',
    'postgres:',
    'postgresql://user:12/34@db/quota',
    'postgresql://user:12?34@db/quota',
    'postgresql://user:12#34@db/quota',
  ])('refuses the address %s', (address) => {
    expect(problemsOf({ ...PRODUCTION, DATABASE_URL: address })).toEqual([
      'DATABASE_URL must be an address such as postgresql://user:password@host:5432/database, with special characters of the password percent-encoded.',
    ]);
  });

  it.each([
    'postgresql:///quota?host=/run/postgresql',
    'postgres://user:12%2F34@db:6432/quota?sslmode=verify-full&application_name=a@b',
  ])('takes the address %s', (address) => {
    expect(loadConfig({ ...PRODUCTION, DATABASE_URL: address }).databaseUrl).toBe(address);
  });
});

describe('authentication', () => {
  it('takes a secret or the address of remote keys, with what is checked in the claims', () => {
    expect(loadConfig(PRODUCTION).auth).toMatchObject({ kind: 'secret', secret: PRODUCTION.AUTH_JWT_SECRET });
    const jwks = {
      AUTH_JWKS_URL: 'https://id.example/jwks.json',
      AUTH_ISSUER: 'https://id.example/',
      AUTH_AUDIENCE: 'quota',
      AUTH_ROLE_CLAIM: 'realm_access.roles',
      AUTH_ADMIN_ROLE: 'operator',
    };
    expect(loadConfig(jwks).auth).toEqual({
      kind: 'jwks',
      jwksUrl: 'https://id.example/jwks.json',
      issuer: 'https://id.example/',
      audience: 'quota',
      roleClaim: 'realm_access.roles',
      adminRole: 'operator',
    });
  });

  it('refuses both at once', () => {
    expect(problemsOf({ ...PRODUCTION, AUTH_JWKS_URL: 'https://id.example/jwks.json' })).toEqual([
      'AUTH_JWT_SECRET and AUTH_JWKS_URL exclude each other: set only one of them.',
    ]);
  });

  it('counts the bytes of the secret, not its characters', () => {
    expect(loadConfig({ AUTH_JWT_SECRET: 'é'.repeat(16) }).auth.kind).toBe('secret');
    expect(problemsOf({ AUTH_JWT_SECRET: 'x'.repeat(31) })).toEqual(['AUTH_JWT_SECRET must have 32 bytes or more.']);
  });
});

describe('the delivery of tokens', () => {
  const key = Buffer.alloc(32, 7).toString('base64');
  const jwks = { AUTH_JWKS_URL: 'https://id.example/jwks.json' };

  it('by proxy signs them by a key of its own, or by the authentication secret', () => {
    expect(loadConfig({ ...PRODUCTION, TOKEN_DELIVERY: 'proxy' })).toMatchObject({ tokenDelivery: 'proxy' });
    const rotating = loadConfig({ ...jwks, TOKEN_DELIVERY: 'proxy', TOKEN_ENCRYPTION_KEY: `${key}, ${key}` });
    expect(rotating.tokenEncryptionKeys).toEqual([Buffer.alloc(32, 7), Buffer.alloc(32, 7)]);
  });

  it('by proxy needs the key where tokens of users are signed elsewhere', () => {
    expect(problemsOf({ ...jwks, TOKEN_DELIVERY: 'proxy' })).toEqual([
      'TOKEN_ENCRYPTION_KEY must be set with TOKEN_DELIVERY=proxy and AUTH_JWKS_URL: it signs the session tokens.',
    ]);
  });

  it.each(['hunter2', Buffer.alloc(31).toString('base64'), `${key},${key},${key}`, `${key},`])(
    'refuses the key %j without showing it',
    (value) => {
      expect(problemsOf({ TOKEN_ENCRYPTION_KEY: value })).toEqual([
        'TOKEN_ENCRYPTION_KEY must be 32 bytes in base64, or two such keys, separated by a comma, while you rotate them.',
      ]);
    },
  );
});

describe('the vendor LiveAvatar', () => {
  it('needs a key and avatars', () => {
    expect(problemsOf({ VENDOR: 'liveavatar' })).toEqual([
      'LIVEAVATAR_API_KEY must be set with VENDOR=liveavatar.',
      'LIVEAVATAR_AVATARS must be set with VENDOR=liveavatar.',
    ]);
  });

  it('has its own address and the mode FULL by default', () => {
    expect(loadConfig(LIVEAVATAR).vendor).toMatchObject({ baseUrl: 'https://api.liveavatar.com', mode: 'FULL' });
    const gateway = { ...LIVEAVATAR, LIVEAVATAR_BASE_URL: 'http://gateway:8080/live/', LIVEAVATAR_MODE: 'LITE' };
    expect(loadConfig(gateway).vendor).toMatchObject({ baseUrl: 'http://gateway:8080/live', mode: 'LITE' });
  });

  it('maps each avatar name to its vendor ids', () => {
    const avatars = {
      anna: { avatar_id: AVATAR_ID, voice_id: 'v1', context_id: 'c1', language: 'de', mode: 'LITE', sandbox: true },
      constructor: { avatar_id: AVATAR_ID },
    };
    const { vendor } = loadConfig({ ...LIVEAVATAR, LIVEAVATAR_AVATARS: JSON.stringify(avatars) });
    expect(vendor.kind === 'liveavatar' && [...vendor.avatars]).toEqual([
      ['anna', { avatarId: AVATAR_ID, voiceId: 'v1', contextId: 'c1', language: 'de', mode: 'LITE', sandbox: true }],
      [
        'constructor',
        { avatarId: AVATAR_ID, voiceId: null, contextId: null, language: null, mode: null, sandbox: false },
      ],
    ]);
  });

  it('says which part of the avatars is wrong', () => {
    const avatars = {
      anna: { avatar_id: 'anna', voice_id: '' },
      bob: { avatar_id: AVATAR_ID, mode: 'HALF', color: 'red' },
      eve: 'eve',
    };
    expect(problemsOf({ ...LIVEAVATAR, LIVEAVATAR_AVATARS: JSON.stringify(avatars) })).toEqual([
      'LIVEAVATAR_AVATARS: anna.avatar_id must be a UUID.',
      'LIVEAVATAR_AVATARS: anna.voice_id must be a text that is not empty.',
      'LIVEAVATAR_AVATARS: bob.mode must be FULL or LITE.',
      'LIVEAVATAR_AVATARS: bob may have only avatar_id, voice_id, context_id, language, mode and sandbox.',
      'LIVEAVATAR_AVATARS: eve must be an object.',
    ]);
  });

  it.each(['{}', '{"": {}}', '[]', 'null', '{"anna": '])('refuses the avatars %s', (avatars) => {
    const [problem, ...more] = problemsOf({ ...LIVEAVATAR, LIVEAVATAR_AVATARS: avatars });
    expect(problem).toMatch(/^LIVEAVATAR_AVATARS.* must /);
    expect(more.length).toBeLessThanOrEqual(1);
  });
});

describe('the vendor HeyGen', () => {
  it('needs a key, and has its own address by default', () => {
    expect(problemsOf({ VENDOR: 'heygen' })).toEqual(['HEYGEN_API_KEY must be set with VENDOR=heygen.']);
    const heygen = { VENDOR: 'heygen', HEYGEN_API_KEY: 'key-123' };
    expect(loadConfig(heygen).vendor).toEqual({
      kind: 'heygen',
      apiKey: 'key-123',
      baseUrl: 'https://api.heygen.com',
    });
    const gateway = { ...heygen, HEYGEN_BASE_URL: 'http://gateway:8080/heygen/' };
    expect(loadConfig(gateway).vendor).toMatchObject({ baseUrl: 'http://gateway:8080/heygen' });
  });

  it('is what the simulator plays if the settings say so', () => {
    expect(loadConfig({ SIMULATOR_API: 'heygen' }).vendor).toMatchObject({ kind: 'simulator', api: 'heygen' });
  });
});

describe('the vendors that are not used', () => {
  it('may have any settings', () => {
    const others = { LIVEAVATAR_BASE_URL: 'ftp://live', HEYGEN_API_KEY: 'two words', SIMULATOR_PORT: 'x' };
    expect(problemsOf(others)).toEqual(['SIMULATOR_PORT is "x" but must be a whole number from 0 to 65535.']);
    expect(problemsOf({ ...LIVEAVATAR, HEYGEN_API_KEY: 'two words', SIMULATOR_PORT: 'x' })).toEqual([]);
  });
});

describe('what this version does not support', () => {
  it('is said, not ignored', () => {
    expect(problemsOf({ REDIS_URL: 'redis://:hunter2@cache' })).toEqual([
      "REDIS_URL is not supported by this version yet: leave it unset, events between nodes cross by PostgreSQL's NOTIFY.",
    ]);
  });
});

describe('values', () => {
  it('are read exactly', () => {
    const config = loadConfig({
      PORT: '0',
      PRICE_PER_MINUTE: '0.000001',
      DEFAULT_MONTHLY_LIMIT_COST: '0',
      WARNING_THRESHOLDS: '95, 50,80,50',
      BILLING_TIME_ZONE: 'America/St_Johns',
      CORS_ORIGINS: 'https://app.example.com, http://localhost:5173,capacitor://localhost,https://app.example.com',
      SIMULATOR_CREDITS: '12.5',
    });
    expect(config.port).toBe(0);
    expect(config.policy).toMatchObject({
      pricePerMinute: 1n,
      priceIsSet: true,
      defaultLimitCost: 0n,
      thresholds: [50, 80, 95],
      billingTimeZone: 'America/St_Johns',
    });
    expect(config.corsOrigins).toEqual(['https://app.example.com', 'http://localhost:5173', 'capacitor://localhost']);
    expect(config.vendor).toMatchObject({ credits: 12_500_000n });
  });

  it.each([
    ['PORT', '65536'],
    ['PORT', '4e3'],
    ['HOST', 'http://localhost'],
    ['DEFAULT_MONTHLY_LIMIT_MINUTES', '-1'],
    ['DEFAULT_MONTHLY_LIMIT_MINUTES', '2147483648'],
    ['DEFAULT_MONTHLY_LIMIT_COST', '1e3'],
    ['DEFAULT_MONTHLY_LIMIT_COST', '1000000000.01'],
    ['PRICE_PER_MINUTE', '0.0000001'],
    ['PRICE_PER_MINUTE', '-0.5'],
    ['CURRENCY', 'usd'],
    ['WARNING_THRESHOLDS', '80,101'],
    ['WARNING_THRESHOLDS', '0'],
    ['WARNING_THRESHOLDS', '79.5'],
    ['MAX_SESSION_SECONDS', '86401'],
    ['MIN_SESSION_SECONDS', '0'],
    ['MAX_CONCURRENT_SESSIONS', '1.5'],
    ['MAX_TOKENS_PER_MINUTE', ' 30'],
    ['TOKEN_TTL_SECONDS', 'five'],
    ['HEARTBEAT_SECONDS', '0'],
    ['RECONCILE_INTERVAL_SECONDS', '-1'],
    ['RECONCILE_WINDOW', '3'],
    ['RECONCILE_WINDOW', '32d'],
    ['BILLING_TIME_ZONE', 'Mars/Olympus'],
    ['BILLING_TIME_ZONE', '+02:00'],
    ['CORS_ORIGINS', '*'],
    ['CORS_ORIGINS', 'https://*.example.com'],
    ['CORS_ORIGINS', 'https://app.example.com/'],
    ['CORS_ORIGINS', 'https://app.example.com:443'],
    ['CORS_ORIGINS', 'app.example.com'],
    ['CORS_ORIGINS', 'null'],
    ['GRAPHIQL', 'maybe'],
    ['LOG_LEVEL', 'verbose'],
    ['AUTH_JWKS_URL', 'file:///etc/jwks.json'],
    ['VENDOR', 'tavus'],
    ['SIMULATOR_PORT', 'x'],
    ['SIMULATOR_API', 'tavus'],
    ['TOKEN_DELIVERY', 'Proxy'],
  ])('%s=%s is refused in one sentence that shows the value', (name, value) => {
    const problems = problemsOf({ [name]: value });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(/ but must .+\.$/);
    expect(problems[0]?.startsWith(`${name} is ${JSON.stringify(value)} but must `)).toBe(true);
  });
});

describe('a part of the settings', () => {
  const read = (env: Record<string, string>) => {
    const settings = loadSettings(env, [...DATABASE_KEYS, ...POLICY_KEYS]);
    return { ...databaseOf(settings), policy: policyOf(settings) };
  };

  it('is read by the same rules, without the settings that it does not need', () => {
    const { databaseUrl, policy } = read({ DATABASE_URL: PRODUCTION.DATABASE_URL, PORT: 'x', CURRENCY: 'EUR' });
    expect({ databaseUrl, policy }).toEqual({
      databaseUrl: PRODUCTION.DATABASE_URL,
      policy: { ...loadConfig(PRODUCTION).policy, currency: 'EUR' },
    });
  });

  it('reports all of its own problems together', () => {
    const bad = { DATABASE_URL: 'mysql://db', CURRENCY: 'euro', LOG_LEVEL: 'loud' };
    expect(() => read(bad)).toThrow(/^DATABASE_URL must be .+\nCURRENCY is "euro" but must be .+$/);
  });
});

it('refuses a smallest session longer than the longest, but not on account of another mistake', () => {
  expect(problemsOf({ MAX_SESSION_SECONDS: '30' })).toEqual([
    'MIN_SESSION_SECONDS (60) must not be greater than MAX_SESSION_SECONDS (30).',
  ]);
  expect(problemsOf({ MAX_SESSION_SECONDS: '30', MIN_SESSION_SECONDS: 'ten' })).toHaveLength(1);
  expect(loadConfig({ MAX_SESSION_SECONDS: '60' }).policy.maxSessionSeconds).toBe(60);
});

it('reports all problems together, in the message as well', () => {
  const env = { PORT: 'x', CURRENCY: 'dollars', LOG_LEVEL: 'loud', VENDOR: 'liveavatar', REDIS_URL: 'redis://cache' };
  const problems = problemsOf(env);
  expect(problems.map((problem) => problem.split(' ')[0])).toEqual([
    'PORT',
    'LIVEAVATAR_API_KEY',
    'LIVEAVATAR_AVATARS',
    'CURRENCY',
    'LOG_LEVEL',
    'REDIS_URL',
  ]);
  expect(() => loadConfig(env)).toThrow(problems.join('\n'));
});

it('never shows a secret', () => {
  const problems = problemsOf({
    DATABASE_URL: 'mysql://quota:hunter2@db/quota',
    AUTH_JWT_SECRET: 'hunter2',
    AUTH_JWKS_URL: 'https://quota:hunter2@id.example/jwks.json',
    VENDOR: 'liveavatar',
    LIVEAVATAR_API_KEY: 'hunter2 hunter2',
    LIVEAVATAR_BASE_URL: 'https://quota:hunter2@live.example',
    LIVEAVATAR_AVATARS: 'x',
    REDIS_URL: 'redis://:hunter2@cache',
  });
  const heygen = problemsOf({ VENDOR: 'heygen', HEYGEN_API_KEY: 'hunter2 hunter2' });
  expect(problems).toHaveLength(8);
  expect(heygen).toHaveLength(1);
  expect([...problems, ...heygen].join()).not.toContain('hunter2');
});

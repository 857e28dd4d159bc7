import { describe, expect, it } from '@jest/globals';
import { DEVELOPMENT_MASTER_KEY, parseSettings, SETTING_DESCRIPTIONS, SettingsError } from './settings.js';

type Environment = Record<string, string | undefined>;

/** The least that production takes. */
const PRODUCTION: Environment = {
  NODE_ENV: 'production',
  MASTER_KEY: 'k'.repeat(32),
  ENCRYPTION_KEY: 'e'.repeat(32),
  DATABASE_URL: 'postgres://app@db.example/app',
  LITELLM_BASE_URL: 'https://litellm.example',
  LITELLM_API_KEY: 'sk-service',
};

const INTEGERS = [
  'PORT',
  'DATABASE_POOL_SIZE',
  'ATTEMPT_TIMEOUT_MS',
  'CALL_TIMEOUT_MS',
  'CALL_LEASE_MS',
  'UPSTREAM_MAX_CONNECTIONS',
  'UPSTREAM_MAX_ANSWER_BYTES',
  'UPSTREAM_MAX_FRAME_BYTES',
  'STREAM_IDLE_TIMEOUT_MS',
  'STREAM_MAX_DURATION_MS',
  'CALL_MAX_ATTEMPTS',
  'CALL_ROUNDS',
  'RETRY_AFTER_MAX_MS',
  'BREAKER_FAILURES',
  'BREAKER_REST_MS',
  'STREAM_KEEP_ALIVE_MS',
  'STREAM_STALL_TIMEOUT_MS',
  'STREAM_DRAIN_TIMEOUT_MS',
  'MAX_BODY_BYTES',
  'MAX_CALL_BODY_BYTES',
  'JOB_TIME_TO_LIVE_MS',
  'LEDGER_CHECK_INTERVAL_MS',
  'LEDGER_CHECK_TIMEOUT_MS',
  'IDEMPOTENCY_TTL_MS',
  'IDEMPOTENCY_MAX_ANSWER_BYTES',
  'MESSAGES_TTL_MS',
  'MESSAGES_MAX_BYTES',
  'SHUTDOWN_DELAY_MS',
  'SHUTDOWN_GRACE_MS',
] as const;

/** Any free port, no rest, no breaker, no delay, no periodic check. */
const MAY_BE_ZERO: readonly string[] = [
  'PORT',
  'STREAM_DRAIN_TIMEOUT_MS',
  'RETRY_AFTER_MAX_MS',
  'BREAKER_FAILURES',
  'LEDGER_CHECK_INTERVAL_MS',
  'SHUTDOWN_DELAY_MS',
  'SHUTDOWN_GRACE_MS',
];

function exampleOf(name: string): string {
  return SETTING_DESCRIPTIONS.find((setting) => setting.name === name)!.example;
}

function problemsOf(environment: Environment): readonly string[] {
  try {
    parseSettings(environment);
  } catch (error) {
    if (error instanceof SettingsError) return error.problems;
    throw error;
  }
  return [];
}

/** The variables that are complained about, in order. */
function refusedOf(environment: Environment): string[] {
  return problemsOf(environment).map((problem) => problem.split(' ', 1)[0]!);
}

describe('the defaults', () => {
  it('are those of a development service on loopback, with embedded Postgres and sandbox', () => {
    expect(parseSettings({})).toEqual({
      mode: 'development',
      host: '127.0.0.1',
      port: 8003,
      masterKey: 'sk-admin-key-change-me',
      isDevelopmentMasterKey: true,
      encryptionKey: 'encryption-key-of-development-change-me',
      isDevelopmentEncryptionKey: true,
      authMode: 'keys',
      logLevel: 'warn',
      databaseUrl: null,
      databasePoolSize: 10,
      databaseQueryTimeoutMs: 30_000,
      dataDir: '.data',
      isDefaultDataDir: true,
      litellmBaseUrl: null,
      litellmApiKey: null,
      attemptTimeoutMs: 60_000,
      callTimeoutMs: 180_000,
      callLeaseMs: 15_000,
      upstreamMaxConnections: 2048,
      upstreamMaxAnswerBytes: 32 * 1024 * 1024,
      upstreamMaxFrameBytes: 4_194_304,
      streamIdleTimeoutMs: 60_000,
      streamMaxDurationMs: 600_000,
      callMaxAttempts: 10,
      callRounds: 1,
      retryAfterMaxMs: 60_000,
      breakerFailures: 5,
      breakerRestMs: 15_000,
      streamKeepAliveMs: 15_000,
      streamStallTimeoutMs: 30_000,
      disconnectPolicy: 'drain',
      disconnectDrainMs: 60_000,
      maxBodyBytes: 1024 * 1024,
      maxCallBodyBytes: 20 * 1024 * 1024,
      hasTeamCreditSelfService: false,
      jobTimeToLiveMs: 86_400_000,
      mayRetryAmbiguous: true,
      ledgerCheckIntervalMs: 3_600_000,
      ledgerCheckTimeoutMs: 300_000,
      idempotencyTtlMs: 24 * 60 * 60 * 1000,
      idempotencyMaxAnswerBytes: 1024 * 1024,
      mayStoreMessages: false,
      messagesTtlMs: 30 * 24 * 60 * 60 * 1000,
      messagesMaxBytes: 1024 * 1024,
      shutdownDelayMs: 0,
      shutdownGraceMs: 30_000,
    });
  });

  it('differ in production in what is logged and how long readiness is down before the end', () => {
    const settings = parseSettings(PRODUCTION);

    expect(settings.logLevel).toBe('info');
    expect(settings.shutdownDelayMs).toBe(5_000);
    expect(settings.isDevelopmentMasterKey).toBe(false);
  });

  it.each(
    SETTING_DESCRIPTIONS.filter((setting) => /^[\w.]+$/.test(setting.default)).map((setting) => [
      setting.name,
      setting.default,
    ]),
  )('of %s is %s, as documented', (name, value) => {
    expect(parseSettings({ [name]: value })).toEqual({
      ...parseSettings({}),
      ...(name === 'DATA_DIR' && { isDefaultDataDir: false }),
    });
  });

  it.each(['', ' ', '\t\n'])('also hold for variables set to %j', (empty) => {
    const names = SETTING_DESCRIPTIONS.map((setting) => setting.name);

    expect(parseSettings(Object.fromEntries(names.map((name) => [name, empty])))).toEqual(parseSettings({}));
  });

  it('hold beside variables of other programs', () => {
    expect(parseSettings({ PATH: '/bin', MASTERKEY: 'x' })).toEqual(parseSettings({}));
  });
});

describe('settings from outside', () => {
  it('take every example of the reference, in production', () => {
    const environment = Object.fromEntries(SETTING_DESCRIPTIONS.map(({ name, example }) => [name, example]));

    expect(parseSettings(environment)).toEqual({
      mode: 'production',
      host: '0.0.0.0',
      port: 8003,
      masterKey: 'sk-master-0123456789abcdef0123456789abcdef',
      isDevelopmentMasterKey: false,
      encryptionKey: 'encryption-0123456789abcdef0123456789abcdef',
      isDevelopmentEncryptionKey: false,
      authMode: 'keys',
      logLevel: 'info',
      databaseUrl: 'postgresql://app:secret@db.internal:5432/app',
      databasePoolSize: 10,
      databaseQueryTimeoutMs: 30_000,
      dataDir: '/srv/app/data',
      isDefaultDataDir: false,
      litellmBaseUrl: 'http://litellm.internal:4000',
      litellmApiKey: 'sk-litellm-service-key',
      attemptTimeoutMs: 60_000,
      callTimeoutMs: 180_000,
      callLeaseMs: 15_000,
      upstreamMaxConnections: 2048,
      upstreamMaxAnswerBytes: 33_554_432,
      upstreamMaxFrameBytes: 4_194_304,
      streamIdleTimeoutMs: 60_000,
      streamMaxDurationMs: 600_000,
      callMaxAttempts: 10,
      callRounds: 1,
      retryAfterMaxMs: 60_000,
      breakerFailures: 5,
      breakerRestMs: 15_000,
      streamKeepAliveMs: 15_000,
      streamStallTimeoutMs: 30_000,
      disconnectPolicy: 'cancel',
      disconnectDrainMs: 60_000,
      maxBodyBytes: 1_048_576,
      maxCallBodyBytes: 20_971_520,
      hasTeamCreditSelfService: false,
      jobTimeToLiveMs: 86_400_000,
      mayRetryAmbiguous: false,
      ledgerCheckIntervalMs: 3_600_000,
      ledgerCheckTimeoutMs: 300_000,
      idempotencyTtlMs: 24 * 60 * 60 * 1000,
      idempotencyMaxAnswerBytes: 1024 * 1024,
      mayStoreMessages: true,
      messagesTtlMs: 30 * 24 * 60 * 60 * 1000,
      messagesMaxBytes: 1024 * 1024,
      shutdownDelayMs: 5_000,
      shutdownGraceMs: 30_000,
    });
  });

  it('are read without the spaces around them', () => {
    const settings = parseSettings({ PORT: ' 9000 ', HOST: ' ::1\n', CREDITS_TEAM_SELF_SERVICE: ' true ' });

    expect(settings).toMatchObject({ port: 9000, host: '::1', hasTeamCreditSelfService: true });
  });

  it.each([
    ['http://litellm:4000', 'http://litellm:4000'],
    ['http://litellm:4000/', 'http://litellm:4000'],
    ['http://litellm:4000/v1', 'http://litellm:4000'],
    ['http://litellm:4000/v1/', 'http://litellm:4000'],
    ['http://litellm:4000/v1//', 'http://litellm:4000'],
    ['https://gateway.example/llm/v1', 'https://gateway.example/llm'],
    ['https://gateway.example/llm', 'https://gateway.example/llm'],
    ['https://gateway.example/v1beta', 'https://gateway.example/v1beta'],
    ['https://gateway.example/v1/v1', 'https://gateway.example/v1'],
  ])('take %s as the upstream %s, to which /v1 is added', (given, expected) => {
    expect(parseSettings({ LITELLM_BASE_URL: given }).litellmBaseUrl).toBe(expected);
  });

  it('tell a data folder that was chosen from the default one', () => {
    expect(parseSettings({ DATA_DIR: '/var/lib/app' })).toMatchObject({
      dataDir: '/var/lib/app',
      isDefaultDataDir: false,
    });
    expect(parseSettings({ DATA_DIR: '.data' }).isDefaultDataDir).toBe(false);
  });

  it('know the development key also where it was set', () => {
    expect(parseSettings({ MASTER_KEY: DEVELOPMENT_MASTER_KEY }).isDevelopmentMasterKey).toBe(true);
    expect(parseSettings({ MASTER_KEY: 'mine' })).toMatchObject({
      masterKey: 'mine',
      isDevelopmentMasterKey: false,
    });
  });
});

describe('production', () => {
  it('names every missing variable at once, each with an example', () => {
    const problems = problemsOf({ NODE_ENV: 'production' });

    expect(problems.map((problem) => problem.split(' ', 1)[0])).toEqual([
      'MASTER_KEY',
      'ENCRYPTION_KEY',
      'DATABASE_URL',
      'LITELLM_BASE_URL',
      'LITELLM_API_KEY',
    ]);
    for (const problem of problems) {
      const name = problem.split(' ', 1)[0]!;
      expect(problem.endsWith(`; for example ${name}=${exampleOf(name)}`)).toBe(true);
    }
  });

  it('shows all problems in the one message of the error', () => {
    expect(() => parseSettings({ NODE_ENV: 'production', PORT: 'x' })).toThrow(
      /^The settings are not usable:\n {2}- MASTER_KEY .*\n {2}- ENCRYPTION_KEY .*\n {2}- DATABASE_URL .*\n {2}- LITELLM_BASE_URL .*\n {2}- LITELLM_API_KEY .*\n {2}- PORT .*$/,
    );
  });

  it('counts an empty variable as missing', () => {
    const empty = {
      MASTER_KEY: '',
      ENCRYPTION_KEY: ' ',
      DATABASE_URL: ' ',
      LITELLM_BASE_URL: '',
      LITELLM_API_KEY: '\t',
    };

    expect(problemsOf({ NODE_ENV: 'production', ...empty })).toEqual(problemsOf({ NODE_ENV: 'production' }));
  });

  it('starts with the five that it needs', () => {
    expect(problemsOf(PRODUCTION)).toEqual([]);
  });

  it('refuses the default key, which everybody knows', () => {
    const problems = problemsOf({ ...PRODUCTION, MASTER_KEY: 'sk-admin-key-change-me' });

    expect(problems).toEqual([
      'MASTER_KEY must be set to a key of your own; for example MASTER_KEY=sk-master-0123456789abcdef0123456789abcdef',
    ]);
  });

  it('refuses a key of 31 characters and takes one of 32', () => {
    expect(refusedOf({ ...PRODUCTION, MASTER_KEY: 'k'.repeat(31) })).toEqual(['MASTER_KEY']);
    expect(refusedOf({ ...PRODUCTION, MASTER_KEY: 'k'.repeat(32) })).toEqual([]);
  });

  it('refuses an encryption key that everybody knows, or of 31 characters, and takes one of 32', () => {
    const { encryptionKey } = parseSettings({});
    expect(problemsOf({ ...PRODUCTION, ENCRYPTION_KEY: encryptionKey })).toEqual([
      'ENCRYPTION_KEY must be set to a key of your own; for example ENCRYPTION_KEY=encryption-0123456789abcdef0123456789abcdef',
    ]);
    expect(refusedOf({ ...PRODUCTION, ENCRYPTION_KEY: 'e'.repeat(31) })).toEqual(['ENCRYPTION_KEY']);
    expect(refusedOf({ ...PRODUCTION, ENCRYPTION_KEY: 'e'.repeat(32) })).toEqual([]);
  });

  it('refuses the sandbox upstream', () => {
    const problems = problemsOf({ ...PRODUCTION, LITELLM_BASE_URL: undefined });

    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(/^LITELLM_BASE_URL must be set: the sandbox/);
  });

  it('refuses the embedded database, also with a data folder', () => {
    const problems = problemsOf({ ...PRODUCTION, DATABASE_URL: undefined, DATA_DIR: '/srv/data' });

    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(/^DATABASE_URL must be set: the embedded/);
  });

  it.each(['127.0.0.1', '0.0.0.0'])('refuses AUTH_MODE=open on %s', (host) => {
    expect(refusedOf({ ...PRODUCTION, AUTH_MODE: 'open', HOST: host })).toEqual(['AUTH_MODE']);
  });

  it('complains once about a URL that is there and bad', () => {
    expect(refusedOf({ ...PRODUCTION, DATABASE_URL: 'mysql://db/app', LITELLM_BASE_URL: 'litellm' })).toEqual(
      ['DATABASE_URL', 'LITELLM_BASE_URL'],
    );
  });
});

describe('a setting that is not usable', () => {
  it.each(['0.0.0.0', '::', '192.168.1.5', 'api.example.com'])(
    'is AUTH_MODE=open on %s, which strangers may reach',
    (host) => {
      const problems = problemsOf({ AUTH_MODE: 'open', HOST: host });

      expect(problems).toHaveLength(1);
      expect(problems[0]).toContain(`while HOST is ${host}`);
    },
  );

  it.each([undefined, '127.0.0.1', 'localhost', '::1'])('is not AUTH_MODE=open on %s', (host) => {
    expect(parseSettings({ AUTH_MODE: 'open', HOST: host }).authMode).toBe('open');
  });

  it.each(INTEGERS)('is %s that is no whole number', (name) => {
    const words = ['-1', '1.5', '1e3', '0x10', '+8003', '8 003', 'abc', 'NaN', 'Infinity', '1'.repeat(16)];
    for (const word of words) expect([word, ...refusedOf({ [name]: word })]).toEqual([word, name]);
  });

  it('is a port above 65535', () => {
    expect(parseSettings({ PORT: '65535' }).port).toBe(65_535);
    expect(parseSettings({ PORT: '0' }).port).toBe(0);
    expect(problemsOf({ PORT: '65536' })).toEqual([
      'PORT must be a whole number from 0 to 65535; for example PORT=8003',
    ]);
  });

  it.each(INTEGERS.filter((name) => !MAY_BE_ZERO.includes(name)))(
    'is %s of 0, with which nothing would work',
    (name) => {
      expect(refusedOf({ [name]: '0' })).toEqual([name]);
    },
  );

  it.each([
    ['NODE_ENV', 'prod', 'development, test, production'],
    ['AUTH_MODE', 'Open', 'keys, open'],
    ['LOG_LEVEL', 'verbose', 'silent, fatal, error, warn, info, debug, trace'],
    ['CREDITS_TEAM_SELF_SERVICE', 'yes', 'true, false'],
    ['RETRY_AMBIGUOUS', '0', 'true, false'],
    ['STORE_MESSAGES', 'TRUE', 'true, false'],
  ])('is %s=%s, and the message lists what is', (name, value, allowed) => {
    expect(problemsOf({ [name]: value })).toEqual([
      `${name} must be one of ${allowed}; for example ${name}=${exampleOf(name)}`,
    ]);
  });

  it.each(['db.internal', 'mysql://db/app', 'http://db/app', '//db/app', 'postgres'])(
    'is DATABASE_URL=%s',
    (url) => {
      expect(refusedOf({ DATABASE_URL: url })).toEqual(['DATABASE_URL']);
    },
  );

  it.each(['postgres://db/app', 'postgresql://u:p%40@db:5432/app?sslmode=require'])(
    'is not DATABASE_URL=%s',
    (url) => {
      expect(parseSettings({ DATABASE_URL: url }).databaseUrl).toBe(url);
    },
  );

  it.each(['litellm:4000', 'localhost', 'ftp://litellm', 'http://', 'http://lite llm'])(
    'is LITELLM_BASE_URL=%s',
    (url) => {
      expect(refusedOf({ LITELLM_BASE_URL: url })).toEqual(['LITELLM_BASE_URL']);
    },
  );

  it.each(['two words', 'schlüssel', 'line\nbreak', 'emoji🔑'])(
    'is MASTER_KEY=%j, which no header carries',
    (key) => {
      expect(refusedOf({ MASTER_KEY: key })).toEqual(['MASTER_KEY']);
    },
  );

  it('never shows the secret that was refused', () => {
    const secrets = { MASTER_KEY: 'hunter2 hunter2', DATABASE_URL: 'mysql://app:hunter2@db/app' };

    expect(problemsOf(secrets)).toHaveLength(2);
    expect(problemsOf(secrets).join('\n')).not.toContain('hunter2');
  });
});

import { isLoopbackHost } from './loopback.js';

/** The seeds' scripts carry this key; it is accepted in development only, and with a warning. */
export const DEVELOPMENT_MASTER_KEY = 'sk-admin-key-change-me';

/** What stored answers and messages are encrypted with where nothing is set; public, and so for development only. */
const DEVELOPMENT_ENCRYPTION_KEY = 'encryption-key-of-development-change-me';

const MASTER_KEY_MIN_LENGTH = 32;
const ENCRYPTION_KEY_MIN_LENGTH = 32;

export type Mode = 'development' | 'test' | 'production';
export type AuthMode = 'keys' | 'open';
export type DisconnectPolicy = (typeof DISCONNECT_POLICIES)[number];
export type LogLevel = (typeof LOG_LEVELS)[number];

const MODES: readonly Mode[] = ['development', 'test', 'production'];
const AUTH_MODES: readonly AuthMode[] = ['keys', 'open'];
const DISCONNECT_POLICIES = ['drain', 'cancel'] as const;
const LOG_LEVELS = ['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const;

/** Everything that can be set from outside, validated. Sizes are bytes, durations milliseconds. */
export interface Settings {
  readonly mode: Mode;
  readonly host: string;
  readonly port: number;
  readonly masterKey: string;
  readonly isDevelopmentMasterKey: boolean;
  readonly encryptionKey: string;
  readonly isDevelopmentEncryptionKey: boolean;
  readonly authMode: AuthMode;
  readonly logLevel: LogLevel;
  /** Null: development mode starts the embedded Postgres in `dataDir`. */
  readonly databaseUrl: string | null;
  readonly databasePoolSize: number;
  readonly databaseQueryTimeoutMs: number;
  readonly dataDir: string;
  readonly isDefaultDataDir: boolean;
  /** Null: development mode starts the sandbox upstream. */
  readonly litellmBaseUrl: string | null;
  readonly litellmApiKey: string | null;
  readonly attemptTimeoutMs: number;
  readonly callTimeoutMs: number;
  readonly callLeaseMs: number;
  readonly upstreamMaxConnections: number;
  readonly upstreamMaxAnswerBytes: number;
  /** Between comments on an idle stream. */
  readonly streamKeepAliveMs: number;
  readonly streamStallTimeoutMs: number;
  readonly disconnectPolicy: DisconnectPolicy;
  readonly disconnectDrainMs: number;
  readonly upstreamMaxFrameBytes: number;
  readonly streamIdleTimeoutMs: number;
  readonly streamMaxDurationMs: number;
  readonly callMaxAttempts: number;
  readonly callRounds: number;
  readonly retryAfterMaxMs: number;
  /** 0 for never. */
  readonly breakerFailures: number;
  readonly breakerRestMs: number;
  readonly maxBodyBytes: number;
  readonly maxCallBodyBytes: number;
  readonly hasTeamCreditSelfService: boolean;
  readonly jobTimeToLiveMs: number;
  readonly mayRetryAmbiguous: boolean;
  readonly idempotencyTtlMs: number;
  readonly idempotencyMaxAnswerBytes: number;
  readonly mayStoreMessages: boolean;
  readonly messagesTtlMs: number;
  readonly messagesMaxBytes: number;
  /** 0 for never. */
  readonly ledgerCheckIntervalMs: number;
  readonly ledgerCheckTimeoutMs: number;
  readonly shutdownDelayMs: number;
  readonly shutdownGraceMs: number;
}

/** One environment variable as the reference documents it. */
export interface SettingDescription {
  readonly name: string;
  readonly default: string;
  readonly example: string;
  readonly description: string;
}

/**
 * The one list of environment variables. The table of `docs/settings.md`, `.env.example` and the messages of
 * a refused start are held against it by tests, so that a setting is described once.
 */
export const SETTING_DESCRIPTIONS = [
  setting('NODE_ENV', 'development', 'production', '`production` refuses every development convenience'),
  setting('HOST', '127.0.0.1', '0.0.0.0', 'address the API listens on'),
  setting('PORT', '8003', '8003', 'port the API listens on'),
  setting(
    'MASTER_KEY',
    `${DEVELOPMENT_MASTER_KEY} (development only)`,
    'sk-master-0123456789abcdef0123456789abcdef',
    `admin key; in production at least ${String(MASTER_KEY_MIN_LENGTH)} characters`,
  ),
  setting(
    'ENCRYPTION_KEY',
    'a public one (development only)',
    'encryption-0123456789abcdef0123456789abcdef',
    `what stored answers and messages are encrypted with; in production at least ${String(ENCRYPTION_KEY_MIN_LENGTH)} characters`,
  ),
  setting(
    'AUTH_MODE',
    'keys',
    'keys',
    '`open` treats a missing `Authorization` as the admin; refused in production and off loopback',
  ),
  setting(
    'LOG_LEVEL',
    'warn; info in production',
    'info',
    LOG_LEVELS.map((level) => `\`${level}\``).join(', '),
  ),
  setting(
    'DATABASE_URL',
    'embedded Postgres (development only)',
    'postgresql://app:secret@db.internal:5432/app',
    'the Postgres database',
  ),
  setting('DATABASE_POOL_SIZE', '10', '10', 'connections to Postgres per process'),
  setting('DATABASE_QUERY_TIMEOUT_MS', '30000', '30000', 'longest wait for one statement'),
  setting('DATA_DIR', '.data', '/srv/app/data', 'where the embedded Postgres keeps its data'),
  setting(
    'LITELLM_BASE_URL',
    'sandbox upstream (development only)',
    'http://litellm.internal:4000',
    'the LiteLLM proxy, or any OpenAI-shaped upstream; a trailing `/v1` may be left out',
  ),
  setting('LITELLM_API_KEY', 'none (required in production)', 'sk-litellm-service-key', 'the key sent to it'),
  setting(
    'ATTEMPT_TIMEOUT_MS',
    '60000',
    '60000',
    'longest wait for one model: for its whole answer, or the first word of a stream',
  ),
  setting('CALL_TIMEOUT_MS', '180000', '180000', 'longest time of one call over all its attempts'),
  setting(
    'CALL_LEASE_MS',
    '15000',
    '15000',
    'a process that has not renewed its lease for this long is taken for dead',
  ),
  setting('UPSTREAM_MAX_CONNECTIONS', '2048', '2048', 'connections to the upstream per process'),
  setting('UPSTREAM_MAX_ANSWER_BYTES', '33554432', '33554432', 'largest answer read from the upstream'),
  setting('STREAM_KEEP_ALIVE_MS', '15000', '15000', 'time between comments on a stream that says nothing'),
  setting(
    'STREAM_STALL_TIMEOUT_MS',
    '30000',
    '30000',
    'a client that takes nothing of its stream for this long is taken for gone',
  ),
  setting(
    'STREAM_DISCONNECT',
    'drain',
    'cancel',
    'when the client of a stream leaves: `drain` reads the rest and knows the usage, `cancel` stops the upstream and guesses it',
  ),
  setting('STREAM_DRAIN_TIMEOUT_MS', '60000', '60000', 'longest reading of a rest that nobody waits for'),
  setting(
    'UPSTREAM_MAX_FRAME_BYTES',
    '4194304',
    '4194304',
    'largest frame read from a stream of the upstream',
  ),
  setting(
    'STREAM_IDLE_TIMEOUT_MS',
    '60000',
    '60000',
    'longest wait for the next frame of a stream that has begun',
  ),
  setting('STREAM_MAX_DURATION_MS', '600000', '600000', 'longest time of one stream'),
  setting('CALL_MAX_ATTEMPTS', '10', '10', 'most attempts of one call'),
  setting('CALL_ROUNDS', '1', '1', 'how often one call goes through the models of its group'),
  setting(
    'RETRY_AFTER_MAX_MS',
    '60000',
    '60000',
    'longest rest of a model that asks for one by `Retry-After`',
  ),
  setting('BREAKER_FAILURES', '5', '5', 'failures in a row after which a model rests; `0` for never'),
  setting(
    'BREAKER_REST_MS',
    '15000',
    '15000',
    'first rest of such a model; it doubles, up to eight times as long',
  ),
  setting('MAX_BODY_BYTES', '1048576', '1048576', 'largest request body, LLM calls aside'),
  setting('MAX_CALL_BODY_BYTES', '20971520', '20971520', 'largest request body of an LLM call'),
  setting(
    'CREDITS_TEAM_SELF_SERVICE',
    'false',
    'false',
    '`true` lets a team key add credits to its own team',
  ),
  setting(
    'JOB_TIME_TO_LIVE_MS',
    '86400000',
    '86400000',
    'an open job without activity for this long expires, unless its type says otherwise',
  ),
  setting(
    'RETRY_AMBIGUOUS',
    'true',
    'false',
    'whether another model is tried after a timeout or a lost connection, when the first may have worked and billed; a type of job may say otherwise',
  ),
  setting(
    'IDEMPOTENCY_TTL_MS',
    '86400000',
    '86400000',
    'how long the answer to a request with an `Idempotency-Key` is kept',
  ),
  setting(
    'IDEMPOTENCY_MAX_ANSWER_BYTES',
    '1048576',
    '1048576',
    'largest answer that is kept for an `Idempotency-Key`',
  ),
  setting(
    'STORE_MESSAGES',
    'false',
    'true',
    '`true` keeps what calls asked and were answered, encrypted, for the admin; otherwise nothing of it is kept but, for a while, the answer to a request with an `Idempotency-Key`',
  ),
  setting('MESSAGES_TTL_MS', '2592000000', '2592000000', 'how long the messages of a call are kept'),
  setting(
    'MESSAGES_MAX_BYTES',
    '1048576',
    '1048576',
    'largest messages of a call that are kept, request and answer together',
  ),
  setting(
    'LEDGER_CHECK_INTERVAL_MS',
    '3600000',
    '3600000',
    'time from one verification of the ledger to the next; `0` for none',
  ),
  setting(
    'LEDGER_CHECK_TIMEOUT_MS',
    '300000',
    '300000',
    'longest time of each check of a verification, by request or periodic',
  ),
  setting(
    'SHUTDOWN_DELAY_MS',
    '0; 5000 in production',
    '5000',
    'time between the readiness probe turning 503 and the end of new work',
  ),
  setting(
    'SHUTDOWN_GRACE_MS',
    '30000',
    '30000',
    'longest wait for running requests and calls at shutdown; then they are cut off',
  ),
] as const satisfies readonly SettingDescription[];

/** Several bad variables are one error, so that an operator mends them in one go. */
export class SettingsError extends Error {
  constructor(readonly problems: readonly string[]) {
    super(`The settings are not usable:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
    this.name = 'SettingsError';
  }
}

/**
 * Reads and validates the settings. An empty variable counts as unset, because compose files and
 * shells cannot always leave one out.
 *
 * @throws SettingsError naming every missing or bad variable with an example of a good one.
 */
export function parseSettings(environment: Readonly<Record<string, string | undefined>>): Settings {
  const reader = new EnvironmentReader(environment);
  const mode = reader.oneOf('NODE_ENV', MODES, 'development');
  const isProduction = mode === 'production';
  const host = reader.text('HOST') ?? '127.0.0.1';
  const authMode = reader.oneOf('AUTH_MODE', AUTH_MODES, 'keys');
  const masterKey = reader.text('MASTER_KEY');
  const encryptionKey = reader.text('ENCRYPTION_KEY');
  const databaseUrl = reader.url('DATABASE_URL', ['postgres:', 'postgresql:']);
  const litellmBaseUrl = reader.url('LITELLM_BASE_URL', ['http:', 'https:']);
  const litellmApiKey = reader.text('LITELLM_API_KEY');
  const dataDir = reader.text('DATA_DIR');

  for (const name of ['MASTER_KEY', 'LITELLM_API_KEY'] as const) {
    const key = reader.text(name);
    if (key !== null && !/^[\x21-\x7e]+$/.test(key)) {
      reader.refuse(name, 'must be printable ASCII without spaces, or no header could carry it');
    }
  }
  if (isProduction) {
    if (masterKey === null || masterKey === DEVELOPMENT_MASTER_KEY) {
      reader.refuse('MASTER_KEY', 'must be set to a key of your own');
    } else if (masterKey.length < MASTER_KEY_MIN_LENGTH) {
      reader.refuse('MASTER_KEY', `must have at least ${String(MASTER_KEY_MIN_LENGTH)} characters`);
    }
    if (encryptionKey === null || encryptionKey === DEVELOPMENT_ENCRYPTION_KEY) {
      reader.refuse('ENCRYPTION_KEY', 'must be set to a key of your own');
    } else if (encryptionKey.length < ENCRYPTION_KEY_MIN_LENGTH) {
      reader.refuse('ENCRYPTION_KEY', `must have at least ${String(ENCRYPTION_KEY_MIN_LENGTH)} characters`);
    }
    if (!reader.isGiven('DATABASE_URL')) {
      reader.refuse('DATABASE_URL', 'must be set: the embedded Postgres is for development');
    }
    if (!reader.isGiven('LITELLM_BASE_URL')) {
      reader.refuse('LITELLM_BASE_URL', 'must be set: the sandbox upstream is for development');
    }
    if (litellmApiKey === null) reader.refuse('LITELLM_API_KEY', 'must be set');
    if (authMode === 'open') {
      reader.refuse('AUTH_MODE', 'cannot be "open" in production: every stranger would be the admin');
    }
  } else if (authMode === 'open' && !isLoopbackHost(host)) {
    reader.refuse('AUTH_MODE', `cannot be "open" while HOST is ${host}: only this machine may reach it`);
  }

  const settings: Settings = {
    mode,
    host,
    port: reader.integer('PORT', 8003, 0, 65_535),
    masterKey: masterKey ?? DEVELOPMENT_MASTER_KEY,
    isDevelopmentMasterKey: (masterKey ?? DEVELOPMENT_MASTER_KEY) === DEVELOPMENT_MASTER_KEY,
    encryptionKey: encryptionKey ?? DEVELOPMENT_ENCRYPTION_KEY,
    isDevelopmentEncryptionKey: (encryptionKey ?? DEVELOPMENT_ENCRYPTION_KEY) === DEVELOPMENT_ENCRYPTION_KEY,
    authMode,
    logLevel: reader.oneOf('LOG_LEVEL', LOG_LEVELS, isProduction ? 'info' : 'warn'),
    databaseUrl,
    databasePoolSize: reader.integer('DATABASE_POOL_SIZE', 10, 2, 500),
    databaseQueryTimeoutMs: reader.integer('DATABASE_QUERY_TIMEOUT_MS', 30_000, 100, 3_600_000),
    dataDir: dataDir ?? '.data',
    isDefaultDataDir: dataDir === null,
    litellmBaseUrl: litellmBaseUrl === null ? null : withoutVersion(litellmBaseUrl),
    litellmApiKey,
    attemptTimeoutMs: reader.integer('ATTEMPT_TIMEOUT_MS', 60_000, 10, 3_600_000),
    callTimeoutMs: reader.integer('CALL_TIMEOUT_MS', 180_000, 10, 3_600_000),
    callLeaseMs: reader.integer('CALL_LEASE_MS', 15_000, 500, 600_000),
    upstreamMaxConnections: reader.integer('UPSTREAM_MAX_CONNECTIONS', 2048, 1, 65_535),
    upstreamMaxAnswerBytes: reader.integer('UPSTREAM_MAX_ANSWER_BYTES', 33_554_432, 1024, 1_073_741_824),
    streamKeepAliveMs: reader.integer('STREAM_KEEP_ALIVE_MS', 15_000, 10, 600_000),
    streamStallTimeoutMs: reader.integer('STREAM_STALL_TIMEOUT_MS', 30_000, 10, 3_600_000),
    disconnectPolicy: reader.oneOf('STREAM_DISCONNECT', DISCONNECT_POLICIES, 'drain'),
    disconnectDrainMs: reader.integer('STREAM_DRAIN_TIMEOUT_MS', 60_000, 0, 3_600_000),
    upstreamMaxFrameBytes: reader.integer('UPSTREAM_MAX_FRAME_BYTES', 4_194_304, 1_024, 1_073_741_824),
    streamIdleTimeoutMs: reader.integer('STREAM_IDLE_TIMEOUT_MS', 60_000, 10, 3_600_000),
    streamMaxDurationMs: reader.integer('STREAM_MAX_DURATION_MS', 600_000, 10, 86_400_000),
    callMaxAttempts: reader.integer('CALL_MAX_ATTEMPTS', 10, 1, 100),
    callRounds: reader.integer('CALL_ROUNDS', 1, 1, 10),
    retryAfterMaxMs: reader.integer('RETRY_AFTER_MAX_MS', 60_000, 0, 3_600_000),
    breakerFailures: reader.integer('BREAKER_FAILURES', 5, 0, 1_000),
    breakerRestMs: reader.integer('BREAKER_REST_MS', 15_000, 10, 3_600_000),
    maxBodyBytes: reader.integer('MAX_BODY_BYTES', 1_048_576, 1024, 1_073_741_824),
    maxCallBodyBytes: reader.integer('MAX_CALL_BODY_BYTES', 20_971_520, 1024, 1_073_741_824),
    jobTimeToLiveMs: reader.integer('JOB_TIME_TO_LIVE_MS', 86_400_000, 1000, 31_536_000_000),
    mayRetryAmbiguous: reader.boolean('RETRY_AMBIGUOUS', true),
    hasTeamCreditSelfService: reader.boolean('CREDITS_TEAM_SELF_SERVICE', false),
    idempotencyTtlMs: reader.integer('IDEMPOTENCY_TTL_MS', 86_400_000, 1_000, 2_592_000_000),
    idempotencyMaxAnswerBytes: reader.integer('IDEMPOTENCY_MAX_ANSWER_BYTES', 1_048_576, 1024, 268_435_456),
    mayStoreMessages: reader.boolean('STORE_MESSAGES', false),
    messagesTtlMs: reader.integer('MESSAGES_TTL_MS', 2_592_000_000, 1_000, 315_360_000_000),
    messagesMaxBytes: reader.integer('MESSAGES_MAX_BYTES', 1_048_576, 1024, 268_435_456),
    ledgerCheckIntervalMs: reader.integer('LEDGER_CHECK_INTERVAL_MS', 3_600_000, 0, 2_147_483_647),
    ledgerCheckTimeoutMs: reader.integer('LEDGER_CHECK_TIMEOUT_MS', 300_000, 1, 2_000_000_000),
    shutdownDelayMs: reader.integer('SHUTDOWN_DELAY_MS', isProduction ? 5_000 : 0, 0, 600_000),
    shutdownGraceMs: reader.integer('SHUTDOWN_GRACE_MS', 30_000, 0, 3_600_000),
  };
  if (reader.problems.length > 0) throw new SettingsError(reader.problems);
  return settings;
}

/** The address before `/v1`, which is added to every path; a query or fragment has no place in it. */
function withoutVersion(text: string): string {
  const url = new URL(text);
  url.search = '';
  url.hash = '';
  url.pathname = url.pathname.replace(/\/+$/, '').replace(/\/v1$/, '');
  return url.toString().replace(/\/+$/, '');
}

type SettingName = (typeof SETTING_DESCRIPTIONS)[number]['name'];

function setting<Name extends string>(
  name: Name,
  defaultText: string,
  example: string,
  description: string,
): SettingDescription & { readonly name: Name } {
  return { name, default: defaultText, example, description };
}

class EnvironmentReader {
  readonly problems: string[] = [];

  constructor(private readonly environment: Readonly<Record<string, string | undefined>>) {}

  refuse(name: SettingName, why: string): void {
    const example = SETTING_DESCRIPTIONS.find((candidate) => candidate.name === name)?.example ?? '';
    this.problems.push(`${name} ${why}; for example ${name}=${example}`);
  }

  isGiven(name: SettingName): boolean {
    return this.text(name) !== null;
  }

  text(name: SettingName): string | null {
    const value = this.environment[name]?.trim();
    return value === undefined || value === '' ? null : value;
  }

  oneOf<T extends string>(name: SettingName, allowed: readonly T[], fallback: T): T {
    const value = this.text(name);
    if (value === null) return fallback;
    const found = allowed.find((candidate) => candidate === value);
    if (found === undefined) this.refuse(name, `must be one of ${allowed.join(', ')}`);
    return found ?? fallback;
  }

  integer(name: SettingName, fallback: number, min: number, max: number): number {
    const value = this.text(name);
    if (value === null) return fallback;
    const number = /^\d{1,15}$/.test(value) ? Number(value) : Number.NaN;
    if (!(number >= min && number <= max)) {
      this.refuse(name, `must be a whole number from ${String(min)} to ${String(max)}`);
      return fallback;
    }
    return number;
  }

  boolean(name: SettingName, fallback: boolean): boolean {
    return this.oneOf(name, ['true', 'false'], fallback ? 'true' : 'false') === 'true';
  }

  url(name: SettingName, protocols: readonly string[]): string | null {
    const value = this.text(name);
    if (value === null) return null;
    const isWanted = protocols.some((protocol) => value.toLowerCase().startsWith(`${protocol}//`));
    if (!isWanted || !URL.canParse(value)) {
      this.refuse(name, `must be a URL that begins with ${protocols.join('// or ')}//`);
      return null;
    }
    return value;
  }
}

import { randomBytes } from 'node:crypto';
import type { NestExpressApplication } from '@nestjs/platform-express';
import request from 'supertest';
import { createApp } from '../../src/app.js';
import type { Clock } from '../../src/common/clock.js';
import { parseSettings, type Settings } from '../../src/config/settings.js';
import { withDataSource } from '../../src/database/data-source-options.js';
import { type Sandbox, startSandbox } from '../../src/gateway/sandbox/sandbox.server.js';
import { type LedgerDifference, verifyLedger } from '../../src/verification/verify-ledger.js';
import { contract } from './contract.js';
import { createTestDatabase, type TestDatabase } from './database.js';

export const MASTER_KEY = 'sk-test-master-0123456789abcdef0123456789abcdef';

/** The whole service over HTTP, on a database and a sandbox upstream of its own. */
export interface TestService {
  readonly app: NestExpressApplication;
  readonly sandbox: Sandbox;
  readonly database: TestDatabase;
  readonly settings: Settings;
  readonly baseUrl: string;
  /** A request with a key: the admin's, a team's, or none. */
  call(method: Method, path: string, options?: CallOptions): request.Test;
  stop(): Promise<void>;
}

export type Method = 'get' | 'post' | 'put' | 'patch' | 'delete';

export interface CallOptions {
  /** The admin key when left out; null for none. */
  readonly key?: string | null;
  readonly body?: unknown;
  readonly query?: Readonly<Record<string, string>>;
  /** Whether a fault of the service is what the test is after; otherwise one fails it. */
  readonly isFaultExpected?: boolean;
}

export interface ServiceOptions {
  readonly environment?: Readonly<Record<string, string>>;
  /** Another service's, to stand for a second replica. */
  readonly database?: TestDatabase;
  /** Instead of the system's. */
  readonly clock?: Clock;
  /** Instead of a sandbox. */
  readonly upstreamUrl?: string;
}

export async function startTestService(options: ServiceOptions = {}): Promise<TestService> {
  const database = options.database ?? (await createTestDatabase());
  const sandbox = await startSandbox();
  const settings = parseSettings({
    NODE_ENV: 'test',
    MASTER_KEY,
    DATABASE_URL: database.url,
    LITELLM_BASE_URL: options.upstreamUrl ?? sandbox.baseUrl,
    LITELLM_API_KEY: 'sk-service-key',
    LOG_LEVEL: 'silent',
    // Tests fail models on purpose, and mean to reach them again.
    BREAKER_FAILURES: '0',
    // Tests plant damage and verify when they mean to.
    LEDGER_CHECK_INTERVAL_MS: '0',
    ...options.environment,
  });
  const app = await createApp(settings, options.clock);
  await app.listen(0, '127.0.0.1');
  const baseUrl = await app.getUrl();
  return {
    app,
    sandbox,
    database,
    settings,
    baseUrl,
    call: (method, path, { key = MASTER_KEY, body, query, isFaultExpected = false } = {}) => {
      const test = request(baseUrl)
        [method](path)
        .expect((answer) => {
          keepsTheContract(method, path, answer, isFaultExpected);
        });
      if (key !== null) void test.set('authorization', `Bearer ${key}`);
      if (query !== undefined) void test.query(query);
      return body === undefined ? test : test.send(body as object);
    },
    stop: async () => {
      // First the upstream: calls that hang on it would keep the service from ending.
      await sandbox.stop();
      await app.close();
      if (options.database === undefined) await database.drop();
    },
  };
}

/** Every answer that a test sees is held against openapi.json: status, code, and every field. */
function keepsTheContract(
  method: Method,
  path: string,
  answer: request.Response,
  isFaultExpected: boolean,
): void {
  // The contract has it for every operation.
  if (answer.status === 500 && !isFaultExpected) throw new Error(`A fault of the service: ${answer.text}`);
  const problem = contract.findProblem(method, path, {
    status: answer.status,
    contentType: answer.headers['content-type'] ?? '',
    text: answer.text,
  });
  if (problem !== null) throw new Error(`The answer is not what openapi.json says. ${problem}`);
}

/** What `verify-ledger` finds. */
export async function ledgerDifferences(databaseUrl: string): Promise<LedgerDifference[]> {
  return withDataSource({ url: databaseUrl, poolSize: 1 }, (dataSource) =>
    dataSource.transaction('REPEATABLE READ', verifyLedger),
  );
}

/** A short name that no other test uses. */
export function uniqueName(prefix: string): string {
  return `${prefix}-${randomBytes(6).toString('hex')}`;
}

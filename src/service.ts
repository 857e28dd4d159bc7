import { setTimeout as sleep } from 'node:timers/promises';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { createApp } from './app.js';
import { announce } from './announcement.js';
import { errorCodeOf } from './common/error-code.js';
import type { Settings } from './config/settings.js';
import { openDatabase } from './database/open-database.js';
import { hasPendingMigrations, migrate } from './database/migrations.js';
import { EXIT_CONFIG } from './exit.js';
import { LitellmClient } from './gateway/litellm.client.js';
import { startSandbox } from './gateway/sandbox/sandbox.server.js';
import { Readiness } from './health/readiness.js';
import { Lifetime } from './lifetime.js';
import { LlmCallsService } from './llm-calls/llm-calls.service.js';
import { StartError } from './start-error.js';

const POLL_MS = 20;
/** Long enough to write down how abandoned calls ended. */
const ABANDONED_CALLS_MS = 5_000;

/**
 * Starts everything the settings call for: in development also the embedded Postgres and the sandbox
 * upstream. Returns when the service is ready; SIGINT, SIGTERM and SIGHUP end it with 0.
 *
 * @throws SettingsError, StartError, EmbeddedPostgresError, DatabaseUnreachableError with a sentence for
 * the operator, EndRequested after a signal; what was started until then has been stopped
 */
export async function startService(settings: Settings): Promise<void> {
  const lifetime = new Lifetime();
  try {
    const database = await openDatabase(settings, 'own', notice);
    lifetime.started(() => database.close());
    await prepareSchema(settings, database.url);

    let { litellmBaseUrl } = settings;
    if (litellmBaseUrl === null) {
      const sandbox = await startSandbox();
      lifetime.started(() => sandbox.stop());
      litellmBaseUrl = sandbox.baseUrl;
    }
    const app = await createApp({ ...settings, databaseUrl: database.url, litellmBaseUrl });
    lifetime.started(() => app.close());
    await listen(app, settings);
    lifetime.ready(() => drain(app, settings), 0);
    process.stdout.write(announce(settings, { url: await app.getUrl(), database: database.description }));
  } catch (error) {
    // Whatever cannot be stopped now is less worth telling than why the start failed.
    await lifetime.stop().catch(() => undefined);
    throw error;
  }
}

function notice(message: string): void {
  process.stderr.write(`${message}\n`);
}

async function prepareSchema(settings: Settings, databaseUrl: string): Promise<void> {
  if (settings.mode !== 'production') {
    await migrate(databaseUrl);
    return;
  }
  if (await hasPendingMigrations(databaseUrl)) {
    throw new StartError(
      'The database schema is older than this version. Migrate it first: node dist/src/commands/migrate.js',
      EXIT_CONFIG,
    );
  }
}

async function listen(app: NestExpressApplication, settings: Settings): Promise<void> {
  try {
    await app.listen(settings.port, settings.host);
  } catch (error) {
    const place = `${settings.host}:${String(settings.port)}`;
    switch (errorCodeOf(error) ?? '') {
      case 'EADDRINUSE':
        throw new StartError(`${place} is in use by another program. Stop it, or set PORT to a free port.`);
      case 'EACCES':
        throw new StartError(`This user may not listen on ${place}. Set PORT to 1024 or above.`);
      case 'EADDRNOTAVAIL':
      case 'ENOTFOUND':
        throw new StartError(`This machine has no address ${settings.host}. Set HOST to one that it has.`);
      default:
        throw error;
    }
  }
}

/**
 * What comes before everything is stopped: readiness turns 503 and stays reachable for the delay, so that
 * load balancers look away; then no new work, and running calls finish within the grace. What has not
 * finished then is ended and recorded as failed.
 */
async function drain(app: NestExpressApplication, settings: Settings): Promise<void> {
  app.get(Readiness, { strict: false }).startDraining();
  await sleep(settings.shutdownDelayMs);
  const server = app.getHttpServer();
  let hasOpenConnections = true;
  server.close(() => {
    hasOpenConnections = false;
  });
  const calls = app.get(LlmCallsService, { strict: false });
  const isFinished = await waitUntil(() => {
    // A connection whose last request ends meanwhile would otherwise be kept alive for seconds.
    server.closeIdleConnections();
    return !hasOpenConnections && !calls.isBusy;
  }, settings.shutdownGraceMs);
  if (isFinished) return;
  // The calls end first and are answered, so that their clients are told not to repeat them.
  await app.get(LitellmClient, { strict: false }).abandon();
  await waitUntil(() => {
    server.closeIdleConnections();
    return !hasOpenConnections && !calls.isBusy;
  }, ABANDONED_CALLS_MS);
  server.closeAllConnections();
}

/** @returns whether the condition came true within the time */
async function waitUntil(condition: () => boolean, timeoutMs: number): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  while (!condition()) {
    if (performance.now() >= deadline) return false;
    await sleep(POLL_MS);
  }
  return true;
}

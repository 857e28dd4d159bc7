import { setTimeout as sleep } from 'node:timers/promises';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { createApp } from './app.js';
import { announce } from './announcement.js';
import type { Settings } from './config/settings.js';
import { openDatabase } from './database/open-database.js';
import { hasPendingMigrations, migrate } from './database/migrations.js';
import { EXIT_CONFIG } from './exit.js';
import { LitellmClient } from './gateway/litellm.client.js';
import { startSandbox } from './gateway/sandbox/sandbox.server.js';
import { Readiness } from './health/readiness.js';
import { LlmCallsService } from './llm-calls/llm-calls.service.js';
import { StartError } from './start-error.js';

const POLL_MS = 20;
/** Long enough to write down how abandoned calls ended. */
const ABANDONED_CALLS_MS = 5_000;

/** Something started that must be stopped, in the reverse order. */
type Stop = () => Promise<void>;

/**
 * Starts everything the settings call for: in development also the embedded Postgres and the sandbox
 * upstream. Returns when the service is ready; signals end it.
 *
 * @throws SettingsError, StartError, EmbeddedPostgresError with a sentence for the operator; what was
 * started until then has been stopped
 */
export async function startService(settings: Settings): Promise<void> {
  const stops: Stop[] = [];
  try {
    const database = await openDatabase(settings, 'own', notice);
    stops.push(() => database.close());
    await prepareSchema(settings, database.url);

    let { litellmBaseUrl } = settings;
    if (litellmBaseUrl === null) {
      const sandbox = await startSandbox();
      stops.push(() => sandbox.stop());
      litellmBaseUrl = sandbox.baseUrl;
    }
    const app = await createApp({ ...settings, databaseUrl: database.url, litellmBaseUrl });
    stops.push(() => app.close());
    await listen(app, settings);
    endOnSignals(app, settings, stops);
    process.stdout.write(announce(settings, await app.getUrl()));
  } catch (error) {
    await stopAll(stops);
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
    throw new StartError('The database schema is older than this version. Run: npm run migrate', EXIT_CONFIG);
  }
}

async function listen(app: NestExpressApplication, settings: Settings): Promise<void> {
  try {
    await app.listen(settings.port, settings.host);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    const place = `${settings.host}:${String(settings.port)}`;
    switch (code) {
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
 * The order of an end: readiness turns 503 and stays reachable for the delay, so that load balancers
 * look away; then no new work, and running calls finish within the grace. What has not finished then is
 * ended and recorded as failed; and everything is stopped.
 */
function endOnSignals(app: NestExpressApplication, settings: Settings, stops: Stop[]): void {
  let isEnding = false;
  const end = async (): Promise<void> => {
    app.get(Readiness).startDraining();
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
    if (!isFinished) {
      server.closeAllConnections();
      await app.get(LitellmClient, { strict: false }).abandon();
      await waitUntil(() => !calls.isBusy, ABANDONED_CALLS_MS);
    }
    await stopAll(stops);
  };
  const onSignal = (): void => {
    if (isEnding) return;
    isEnding = true;
    end().then(
      () => process.exit(0),
      (error: unknown) => {
        notice(`The service could not end cleanly: ${String(error)}`);
        process.exit(1);
      },
    );
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
}

async function stopAll(stops: Stop[]): Promise<void> {
  for (let stop = stops.pop(); stop !== undefined; stop = stops.pop()) await stop();
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

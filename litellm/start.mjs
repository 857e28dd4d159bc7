// Starts the pinned LiteLLM proxy: `npm run litellm`, and the live tests through `startLitellm`.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, realpathSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { prepareVirtualEnvironment, VirtualEnvironmentError } from '../tools/virtual-environment.mjs';

const SCRIPT = fileURLToPath(import.meta.url);
const FOLDER = dirname(SCRIPT);
const VENV = join(FOLDER, '.venv');

const DEFAULT_HOST = '127.0.0.1';
const DEFAULT_PORT = 8002;
const DEFAULT_SANDBOX = 'http://127.0.0.1:8004';
/** For a proxy that listens on this machine only and whose provider is a sandbox. */
const DEVELOPMENT_KEY = 'sk-litellm-development';

const OLDEST_PYTHON_MINOR = 10;
const NEWEST_PYTHON_MINOR = 13;

const READY_TIMEOUT_MS = 120_000;
const READY_POLL_MS = 200;
/** The proxy waits for its open requests without end, and one of them may hang. */
const STOP_GRACE_MS = 5_000;
const SHOWN_LOG_LINES = 20;

const USAGE =
  'Usage: npm run litellm -- [--port <number>] [--host <address>] [--sandbox <base url>] [--config <file>] [--prepare-only]';

/** A failure that its sentence explains: the command line prints it without a stack. */
class StartError extends Error {}

/**
 * Makes the virtual environment if there is none, or if requirements.txt has changed since.
 *
 * @returns the path of its Python
 */
export async function prepareLitellm({ onProgress = () => {} } = {}) {
  return prepareVirtualEnvironment({
    folder: FOLDER,
    needed: 'The pinned LiteLLM',
    pins: 'hashed',
    oldestMinor: OLDEST_PYTHON_MINOR,
    newestMinor: NEWEST_PYTHON_MINOR,
    onProgress,
  });
}

/**
 * Starts the proxy and waits until it serves.
 *
 * @param options.port 0 takes any free port
 * @param options.sandboxBaseUrl the provider's address, with or without `/v1`
 * @returns its address without `/v1`, its process id, a promise of its end, and `stop`, which may be called twice
 */
export async function startLitellm({
  host = DEFAULT_HOST,
  port = 0,
  sandboxBaseUrl = DEFAULT_SANDBOX,
  masterKey = DEVELOPMENT_KEY,
  config = join(FOLDER, 'config.yaml'),
  onProgress = () => {},
} = {}) {
  const python = await prepareLitellm({ onProgress });
  // Another process on this port would answer the readiness check in the proxy's place.
  const freePort = await reservePort(host, port);
  const log = join(VENV, `proxy-${freePort}.log`);
  const output = openSync(log, 'w');
  const child = spawn(
    python,
    [join(VENV, 'bin', 'litellm'), '--config', resolve(config), '--host', host, '--port', String(freePort)],
    {
      // Not the project's folder: a .env there belongs to the service.
      cwd: VENV,
      env: proxyEnvironment(sandboxBaseUrl, masterKey),
      stdio: ['ignore', output, output],
    },
  );
  closeSync(output);
  const exited = new Promise((settle) => {
    child.once('error', (error) => settle({ code: 1, signal: null, error }));
    child.once('exit', (code, signal) => settle({ code, signal, error: null }));
  });
  endWithThisProcess(child);

  const stop = async (signal = 'SIGTERM') => {
    child.kill(signal);
    const isOver = await Promise.race([exited.then(() => true), sleep(STOP_GRACE_MS, false, { ref: false })]);
    if (!isOver) child.kill('SIGKILL');
    await exited;
  };
  const baseUrl = `http://${host.includes(':') ? `[${host}]` : host}:${freePort}`;
  try {
    await waitUntilReady(baseUrl, exited);
  } catch (error) {
    await stop();
    throw new StartError(`${error.message}\n${await lastLines(log)}`);
  }
  return { baseUrl, pid: child.pid, log, exited, stop };
}

/** A child that outlives its starter keeps its port for ever. */
function endWithThisProcess(child) {
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  child.once('exit', () => process.removeListener('exit', kill));
}

/**
 * Only what is named here reaches the proxy. The service's own DATABASE_URL would make it ask for database
 * engines that it downloads, and a provider's key in the shell has no business in an offline proxy.
 */
function proxyEnvironment(sandboxBaseUrl, masterKey) {
  const kept = ['PATH', 'HOME', 'TMPDIR', 'LANG', 'LC_ALL', 'TZ'];
  return {
    ...Object.fromEntries(
      kept.filter((name) => name in process.env).map((name) => [name, process.env[name]]),
    ),
    SANDBOX_BASE_URL: withV1(sandboxBaseUrl),
    LITELLM_MASTER_KEY: masterKey,
    LITELLM_MODE: 'PRODUCTION',
    LITELLM_LOG: 'ERROR',
    LITELLM_LOCAL_MODEL_COST_MAP: 'True',
    LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS: 'True',
    DISABLE_ADMIN_UI: 'True',
    NO_DOCS: 'True',
    NO_REDOC: 'True',
    NO_OPENAPI: 'True',
    PYTHONUNBUFFERED: '1',
  };
}

function withV1(baseUrl) {
  if (!URL.canParse(baseUrl))
    throw new StartError(`The sandbox's address "${baseUrl}" is not a URL. ${USAGE}`);
  const trimmed = baseUrl.replace(/\/+$/, '');
  return trimmed.endsWith('/v1') ? trimmed : `${trimmed}/v1`;
}

async function reservePort(host, port) {
  const server = createServer();
  try {
    server.listen({ host, port });
    await once(server, 'listening');
    return server.address().port;
  } catch (error) {
    if (error.code !== 'EADDRINUSE')
      throw new StartError(`Cannot listen on ${host}:${port} (${error.code}).`);
    throw new StartError(
      `Port ${port} on ${host} is in use: stop what listens there, or choose another --port.`,
    );
  } finally {
    server.close();
  }
}

async function waitUntilReady(baseUrl, exited) {
  const deadline = AbortSignal.timeout(READY_TIMEOUT_MS);
  let end = null;
  void exited.then((result) => (end = result));
  while (!deadline.aborted) {
    if (end !== null)
      throw new StartError(`LiteLLM ended before it was ready (${end.error ?? end.signal ?? end.code}).`);
    if (await isAnswering(`${baseUrl}/health/readiness`, deadline)) return;
    await sleep(READY_POLL_MS);
  }
  throw new StartError(`LiteLLM was not ready after ${READY_TIMEOUT_MS / 1000} seconds.`);
}

async function isAnswering(url, signal = AbortSignal.timeout(2_000)) {
  try {
    const response = await fetch(url, { signal });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}

async function lastLines(log) {
  const text = await readFile(log, 'utf8').catch(() => '');
  return [...text.trimEnd().split('\n').slice(-SHOWN_LOG_LINES), `(all of it: ${log})`].join('\n');
}

function readFlags(args) {
  try {
    const { values } = parseArgs({
      args,
      options: {
        host: { type: 'string', default: DEFAULT_HOST },
        port: { type: 'string', default: String(DEFAULT_PORT) },
        sandbox: { type: 'string', default: DEFAULT_SANDBOX },
        config: { type: 'string' },
        'prepare-only': { type: 'boolean', default: false },
      },
    });
    if (!/^\d{1,5}$/.test(values.port) || Number(values.port) > 65_535) {
      throw new Error(`--port must be a whole number from 0 to 65535, not "${values.port}".`);
    }
    return values;
  } catch (error) {
    throw new StartError(`${error.message} ${USAGE}`);
  }
}

async function main() {
  const flags = readFlags(process.argv.slice(2));
  const onProgress = (line) => console.log(line);
  if (flags['prepare-only']) {
    await prepareLitellm({ onProgress });
    return;
  }
  let proxy = null;
  let isStopping = false;
  for (const signal of ['SIGINT', 'SIGTERM']) {
    process.on(signal, () => {
      isStopping = true;
      // While it still starts, leaving is enough: a child does not outlive this process.
      if (proxy === null) process.exit(0);
      void proxy.stop(signal);
    });
  }
  const { host, port, sandbox: sandboxBaseUrl, config } = flags;
  const masterKey = process.env.LITELLM_MASTER_KEY || DEVELOPMENT_KEY;
  proxy = await startLitellm({ host, port: Number(port), sandboxBaseUrl, masterKey, config, onProgress });
  console.log(`LiteLLM listens on ${proxy.baseUrl}; its provider is ${withV1(sandboxBaseUrl)}`);
  const { code } = await proxy.exited;
  process.exitCode = isStopping ? 0 : (code ?? 1);
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === SCRIPT) {
  await main().catch((error) => {
    const isExplained = error instanceof StartError || error instanceof VirtualEnvironmentError;
    console.error(isExplained ? error.message : error);
    process.exitCode = 1;
  });
}

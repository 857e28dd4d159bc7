// The compiled service in a process of its own, as a user starts it, with a database that ends with it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const MAIN = resolve(import.meta.dirname, '../../dist/src/main.js');
const READY_TIMEOUT_MS = 60_000;
const READY_POLL_MS = 100;
const STOP_GRACE_MS = 40_000;

/** The default of a service in development; this one is seen by this machine only. */
export const ADMIN_KEY = 'sk-admin-key-change-me';

/**
 * Starts the service on a free port, with the default settings and an empty database.
 *
 * @param environment settings that are not the default
 * @returns its address, a folder for files that go with it, what it has printed so far, and `stop`
 */
export async function startService(environment = {}) {
  if (!existsSync(MAIN))
    throw new Error('The service is not built: run `npm run build` in the folder above.');
  const folder = mkdtempSync(join(tmpdir(), 'contract-service-'));
  // As root, Postgres runs as another user, which has to get through to its data.
  chmodSync(folder, 0o755);
  const port = await freePort();
  const child = spawn(process.execPath, [MAIN], {
    cwd: folder,
    env: { PATH: process.env.PATH, PORT: String(port), DATA_DIR: join(folder, 'data'), ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.on('data', (chunk) => (output += chunk));
  child.stderr.on('data', (chunk) => (output += chunk));
  // A database that outlives this process would stay for good, so the service gets to stop it.
  const terminate = () => child.kill('SIGTERM');
  process.once('exit', terminate);

  const stop = async () => {
    process.removeListener('exit', terminate);
    if (child.exitCode === null && child.signalCode === null) {
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      const isOver = await Promise.race([
        ended.then(() => true),
        sleep(STOP_GRACE_MS, false, { ref: false }),
      ]);
      if (!isOver) child.kill('SIGKILL');
      await ended;
    }
    rmSync(folder, { recursive: true, force: true });
  };
  for (const signal of ['SIGINT', 'SIGTERM']) {
    process.once(signal, () => void stop().finally(() => process.exit(1)));
  }

  const baseUrl = `http://127.0.0.1:${port}`;
  const deadline = Date.now() + READY_TIMEOUT_MS;
  while (!(await isReady(baseUrl))) {
    if (child.exitCode !== null || Date.now() > deadline) {
      await stop();
      throw new Error(`The service did not become ready.\n${output}`);
    }
    await sleep(READY_POLL_MS);
  }
  return { baseUrl, folder, output: () => output, stop };
}

/** Sends one request that must succeed. @returns the answer's body */
export async function send(baseUrl, key, method, path, body) {
  const response = await fetch(baseUrl + path, {
    method,
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: body && JSON.stringify(body),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${text}`);
  return JSON.parse(text);
}

async function isReady(baseUrl) {
  return fetch(`${baseUrl}/health/ready`).then(
    (answer) => answer.ok,
    () => false,
  );
}

async function freePort() {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

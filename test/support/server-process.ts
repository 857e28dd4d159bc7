import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '../..');
const READY_TIMEOUT_MS = 60_000;

/** A working directory of its own, which also the user that Postgres runs as may enter. */
export interface Workplace {
  readonly directory: string;
  remove(): Promise<void>;
}

export async function makeWorkplace(): Promise<Workplace> {
  const directory = await mkdtemp(join(tmpdir(), 'test-server-'));
  await chmod(directory, 0o755);
  return { directory, remove: () => rm(directory, { recursive: true, force: true }) };
}

/** The service, started as a user starts it: its compiled `main.js` in a process of its own. */
export interface ServerProcess {
  readonly baseUrl: string;
  readonly process: ChildProcess;
  /** What it has printed so far. */
  readonly output: () => string;
  /** Sends the signal and waits for the end. @returns the exit code, null if a signal ended it */
  end(signal: NodeJS.Signals): Promise<number | null>;
}

export interface ServerOptions {
  readonly workplace: Workplace;
  readonly environment?: Readonly<Record<string, string>>;
  /** Any free one when left out. */
  readonly port?: number;
  /** Told of the process before anything is waited for. */
  readonly onSpawn?: (pid: number | undefined) => void;
}

/** Starts the service and waits until it is ready. */
export async function startServer(options: ServerOptions): Promise<ServerProcess> {
  const port = options.port ?? (await freePort());
  const child = spawnCompiled('main.js', options, { PORT: String(port) });
  options.onSpawn?.(child.pid);
  let output = '';
  child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const baseUrl = `http://127.0.0.1:${String(port)}`;
  const deadline = Date.now() + READY_TIMEOUT_MS;
  while (!(await isReady(baseUrl))) {
    if (child.exitCode !== null || child.signalCode !== null || Date.now() > deadline) {
      child.kill('SIGKILL');
      throw new Error(`The server did not become ready:\n${output}`);
    }
    await new Promise((wake) => setTimeout(wake, 50));
  }
  return {
    baseUrl,
    process: child,
    output: () => output,
    end: async (signal) => {
      if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
      const exit = once(child, 'exit');
      child.kill(signal);
      await exit;
      return child.exitCode;
    },
  };
}

/** Runs a compiled program of the service to its end. @param program below `dist/src` */
export async function runProgram(
  program: string,
  options: ServerOptions,
): Promise<{ code: number | null; output: string }> {
  return collect(spawnCompiled(program, options, {}));
}

/** Runs any program to its end. */
export async function runCommand(
  command: string,
  commandArguments: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<{ code: number | null; output: string }> {
  return collect(
    spawn(command, commandArguments, {
      cwd: ROOT,
      env: { PATH: process.env['PATH'], ...environment },
      // A socket as standard input would make bash read its start-up files.
      stdio: ['ignore', 'pipe', 'pipe'],
    }),
  );
}

async function collect(child: ChildProcess): Promise<{ code: number | null; output: string }> {
  let output = '';
  child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  await once(child, 'close');
  return { code: child.exitCode, output };
}

function spawnCompiled(
  program: string,
  { workplace, environment }: ServerOptions,
  extra: Readonly<Record<string, string>>,
): ChildProcess {
  return spawn(process.execPath, [join(ROOT, 'dist/src', program)], {
    cwd: workplace.directory,
    env: {
      PATH: process.env['PATH'],
      // Tests fail models on purpose, and mean to reach them again.
      BREAKER_FAILURES: '0',
      DATA_DIR: join(workplace.directory, 'data'),
      ...extra,
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

async function isReady(baseUrl: string): Promise<boolean> {
  return fetch(`${baseUrl}/health/ready`).then(
    (answer) => answer.ok,
    () => false,
  );
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  await new Promise((closed) => server.close(closed));
  if (address === null || typeof address === 'string') throw new Error('No port was given.');
  return address.port;
}

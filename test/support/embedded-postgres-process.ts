import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile, realpath, rm, mkdtemp, chmod } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';

const DRIVER = join(import.meta.dirname, 'embedded-postgres-driver.mjs');
export const COMPILED_MODULE = join(
  import.meta.dirname,
  '../../dist/src/database/embedded/embedded-postgres.js',
);

export interface DriverOptions {
  readonly dataDir: string;
  readonly mode: 'own' | 'attach' | 'reset';
  readonly isDefaultDataDir?: boolean;
  readonly settings?: Record<string, string>;
  readonly systemFolder?: string;
}

export interface DriverAnswer {
  readonly url: string;
  readonly dataDir: string;
  readonly notices: string[];
  /** Of a reset: whether there was a cluster. */
  readonly removed?: boolean;
  readonly error?: string;
  readonly detail?: string | null;
}

/** A separate node process with the compiled lifecycle, so that a test can kill it as a crash would. */
export class DatabaseProcess {
  private constructor(
    readonly child: ChildProcess,
    private readonly firstLine: Promise<string | null>,
  ) {}

  static launch(options: DriverOptions, extra: { env?: NodeJS.ProcessEnv; module?: string } = {}) {
    const child = spawn(
      process.execPath,
      [DRIVER, extra.module ?? COMPILED_MODULE, JSON.stringify(options)],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
        env: { ...process.env, ...extra.env },
        // A process group of its own stands for a terminal, to which a test can send Ctrl-C.
        detached: true,
      },
    );
    const firstLine = new Promise<string | null>((resolve) => {
      const lines = createInterface({ input: child.stdout });
      lines.once('line', resolve).once('close', () => {
        resolve(null);
      });
    });
    return new DatabaseProcess(child, firstLine);
  }

  /** How the start went. */
  async answer(): Promise<DriverAnswer> {
    const line = await this.firstLine;
    if (line === null) throw new Error('The driver ended without an answer.');
    return JSON.parse(line) as DriverAnswer;
  }

  async stop(): Promise<void> {
    await this.end('SIGTERM');
    if (this.child.exitCode !== 0) throw new Error(`The driver ended with ${String(this.child.exitCode)}.`);
  }

  async kill(): Promise<void> {
    await this.end('SIGKILL');
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exit = once(this.child, 'exit');
    this.child.kill(signal);
    await exit;
  }
}

/** Starts, and waits for the start to end; `answer` says how. */
export async function launched(
  options: DriverOptions,
  extra: { env?: NodeJS.ProcessEnv; module?: string } = {},
): Promise<DatabaseProcess & { result: DriverAnswer }> {
  const process_ = DatabaseProcess.launch(options, extra);
  return Object.assign(process_, { result: await process_.answer() });
}

export async function query(url: string, sql: string): Promise<string[]> {
  const client = new Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    const { rows } = await client.query({ text: sql, rowMode: 'array' });
    return (rows as unknown[][]).map((row) => String(row[0]));
  } finally {
    await client.end();
  }
}

/** The pid of the server that postmaster.pid names; null where there is no such file. */
export async function postmasterPid(dataDir: string): Promise<number | null> {
  try {
    return Number((await readFile(join(dataDir, 'postgres', 'postmaster.pid'), 'utf8')).split('\n')[0]);
  } catch {
    return null;
  }
}

/** A dead child that its parent has not collected yet counts as gone. */
export async function isAlive(pid: number): Promise<boolean> {
  try {
    process.kill(pid, 0);
    if (process.platform !== 'linux') return true;
    return !/\) Z /.test(await readFile(`/proc/${String(pid)}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

export async function waitFor(what: string, isTrue: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!(await isTrue())) {
    if (Date.now() > deadline) throw new Error(`Waited in vain for: ${what}`);
    await sleep(5);
  }
}

/** Temporary folders that may still hold servers: those are stopped, then everything is removed. */
export class TemporaryFolders {
  private readonly folders: string[] = [];
  private readonly dataDirs: string[] = [];

  async make(mode = 0o711): Promise<string> {
    const folder = await realpath(await mkdtemp(join(tmpdir(), 'embedded-postgres-')));
    await chmod(folder, mode);
    this.folders.push(folder);
    return folder;
  }

  /** Remembers a folder in which a failing test may leave a server running. */
  watch(dataDir: string): string {
    this.dataDirs.push(dataDir);
    return dataDir;
  }

  async makeDataDir(): Promise<string> {
    return this.watch(join(await this.make(), 'data'));
  }

  async clean(): Promise<void> {
    for (const dataDir of this.dataDirs.splice(0)) {
      const pid = await postmasterPid(dataDir);
      if (pid === null || !(await isPostgres(pid))) continue;
      process.kill(pid, 'SIGQUIT');
      await waitFor('the end of a server', async () => !(await isAlive(pid)));
    }
    for (const folder of this.folders.splice(0)) await rm(folder, { recursive: true, force: true });
  }
}

async function isPostgres(pid: number): Promise<boolean> {
  if (process.platform !== 'linux') return isAlive(pid);
  const command = await readFile(`/proc/${String(pid)}/cmdline`, 'utf8').catch(() => '');
  return command.split('\0')[0]?.endsWith('/postgres') === true;
}

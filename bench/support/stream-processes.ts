import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import type { StreamLoad, StreamResults } from './stream-load.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const STARTED_MS = 30_000;

export interface BenchSandbox {
  readonly baseUrl: string;
  readonly pid: number;
  stop(): Promise<void>;
}

/** The compiled sandbox on any free port. */
export async function startSandbox(): Promise<BenchSandbox> {
  const child = spawn(process.execPath, [join(ROOT, 'dist/src/commands/sandbox.js'), '--port', '0'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const stop = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, 'exit');
    child.kill('SIGKILL');
    await exit;
  };
  const [line] = (await once(child.stdout, 'data', { signal: AbortSignal.timeout(STARTED_MS) })) as [Buffer];
  const baseUrl = /http:\S+/.exec(line.toString())?.[0];
  if (baseUrl === undefined || child.pid === undefined) {
    await stop();
    throw new Error(`The sandbox did not start: ${line.toString()}`);
  }
  return { baseUrl, pid: child.pid, stop };
}

/** Runs the client to its end, which its own deadline bounds. */
export async function runLoad(load: StreamLoad): Promise<StreamResults> {
  const program = join(import.meta.dirname, 'stream-load.ts');
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', program, JSON.stringify(load)],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  await once(child, 'close');
  if (child.exitCode !== 0) throw new Error('The client did not come to its end.');
  return JSON.parse(output) as StreamResults;
}

export interface ProbeState {
  /** How often it began anew. */
  readonly since: number;
  readonly rssBytes: number;
  readonly peakRssBytes: number;
  readonly delayP50Ms: number;
  readonly delayP99Ms: number;
}

/** What a process writes into `file` about itself that was started with {@link environment}. */
export class ProcessProbe {
  private readonly file: string;

  constructor(file: string) {
    this.file = file;
  }

  /** @param profileDir where a profile of the processor is kept; null for none */
  environment(profileDir: string | null): Record<string, string> {
    const probe = pathToFileURL(join(import.meta.dirname, 'process-probe.mjs')).href;
    const profile = profileDir === null ? '' : ` --cpu-prof --cpu-prof-dir=${resolve(profileDir)}`;
    return { NODE_OPTIONS: `--import=${probe}${profile}`, PROBE_FILE: this.file };
  }

  async read(): Promise<ProbeState> {
    return JSON.parse(await readFile(this.file, 'utf8')) as ProbeState;
  }

  /** @returns the state with which the measured stretch begins */
  async restart(process: ChildProcess): Promise<ProbeState> {
    const { since } = await this.read();
    process.kill('SIGUSR2');
    for (;;) {
      const state = await this.read();
      if (state.since > since) return state;
      await sleep(20);
    }
  }
}

/** How many files this process, and those that it starts, may have open; null where there is no `/proc`. */
export async function openFileLimit(): Promise<string | null> {
  const limits = await readFile('/proc/self/limits', 'utf8').catch(() => '');
  return /^Max open files\s+(\S+)/m.exec(limits)?.[1] ?? null;
}

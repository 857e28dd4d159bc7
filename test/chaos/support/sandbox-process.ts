import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { JournalEntry } from '../../../src/gateway/sandbox/sandbox.journal.js';
import { steadyPort } from './ports.js';
import { noteProcess } from './started-processes.js';

const PROGRAM = resolve(import.meta.dirname, '../../../dist/src/commands/sandbox.js');

/** A time in which requests may have come to the sandbox's port without being read; milliseconds of the epoch. */
export interface Outage {
  readonly from: number;
  readonly to: number;
}

/** The sandbox in a process of its own, on one port for ever, with a journal that outlives it. */
export class SandboxProcess {
  readonly outages: Outage[] = [];
  private child: ChildProcess | null = null;

  private constructor(
    private readonly folder: string,
    private readonly port: number,
  ) {}

  static async start(): Promise<SandboxProcess> {
    const folder = await mkdtemp(join(tmpdir(), 'chaos-sandbox-'));
    const sandbox = new SandboxProcess(folder, await steadyPort());
    await sandbox.run();
    return sandbox;
  }

  get baseUrl(): string {
    return `http://127.0.0.1:${String(this.port)}`;
  }

  /** Kills the process, and starts another after a while in which its port refuses every connection. */
  async killFor(ms: number): Promise<void> {
    const from = Date.now();
    await this.end('SIGKILL');
    await sleep(ms);
    await this.run();
    this.outages.push({ from, to: Date.now() });
  }

  /** Stops the process where it is: connections are taken by the system, and nobody reads them. */
  async freezeFor(ms: number): Promise<void> {
    const from = Date.now();
    this.child?.kill('SIGSTOP');
    await sleep(ms);
    this.child?.kill('SIGCONT');
    // Its answer shows that it runs again, and is not only told to.
    await this.waitUntilServing();
    this.outages.push({ from, to: Date.now() });
  }

  /** Everything that any of the processes was asked and has billed. */
  async journal(): Promise<JournalEntry[]> {
    const text = await readFile(join(this.folder, 'journal.jsonl'), 'utf8');
    const lines = text.split('\n').filter((line) => line !== '');
    return lines.map((line) => JSON.parse(line) as JournalEntry);
  }

  async stop(): Promise<void> {
    await this.end('SIGKILL');
    await rm(this.folder, { recursive: true });
  }

  private async run(): Promise<void> {
    const file = join(this.folder, 'journal.jsonl');
    this.child = spawn(process.execPath, [PROGRAM, '--port', String(this.port), '--journal', file], {
      stdio: 'ignore',
    });
    noteProcess(this.child.pid);
    await this.waitUntilServing();
  }

  private async waitUntilServing(): Promise<void> {
    for (;;) {
      const isServing = await fetch(`${this.baseUrl}/health/liveliness`).then(
        (answer) => answer.ok,
        () => false,
      );
      if (isServing) return;
      if (this.child?.exitCode !== null) throw new Error('The sandbox does not run.');
      await sleep(20);
    }
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    const { child } = this;
    if (child === null) return;
    this.child = null;
    const exit = once(child, 'exit');
    child.kill(signal);
    await exit;
  }
}

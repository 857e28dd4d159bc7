import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startLitellm } from '../../litellm/start.mjs';
import { type Sandbox, startSandbox } from '../../src/gateway/sandbox/sandbox.server.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { copyProject, type ProjectCopy } from '../support/project-copy.js';
import { freePort } from '../support/server-process.js';

/*
 * Every block of commands in README.md, run in a copy of the project as it stands there, but for the ports
 * and the placeholder of a key. A block that no test below knows fails the first one.
 */

const ROOT = join(import.meta.dirname, '../..');
const README = readFileSync(join(ROOT, 'README.md'), 'utf8');
const MASTER_KEY = 'sk-master-0123456789abcdef0123456789abcdef';
const SERVICE_KEY = 'sk-litellm-service-key';
const READY_TIMEOUT_MS = 240_000;
const COMMAND_TIMEOUT_MS = 300_000;

/** All blocks in order: a search for one language would take the end of another block for a beginning. */
const BLOCKS = [...README.matchAll(/^```(\w*)\n([^]*?)^```$/gm)].map((match) => ({
  language: match[1]!,
  text: match[2]!,
}));

function blocksOf(language: string): string[] {
  return BLOCKS.filter((block) => block.language === language).map((block) => block.text);
}

/** The one block that has the text in it. */
function blockWith(language: string, text: string): string {
  const found = blocksOf(language).filter((block) => block.includes(text));
  if (found.length !== 1) throw new Error(`${String(found.length)} ${language} blocks have ${text} in them.`);
  return found[0]!;
}

const START = blockWith('bash', 'npm ci && npm start');
const TEST = blockWith('bash', 'npm ci && npm test');
const DEMO = blockWith('bash', 'npm run demo');
const SET_UP = blockWith('bash', 'organizations/create');
const WORK = blockWith('bash', 'jobs/create -H');
const STREAM = blockWith('bash', 'create-and-call-stream');
const COSTS = blockWith('bash', '$JOB/costs');
const WITH_LITELLM = blockWith('bash', 'LITELLM_BASE_URL=');
const PRODUCTION = blockWith('bash', 'migrate.js');

/** A shell command in a process group of its own. */
function shell(
  script: string,
  directory: string,
  environment: Readonly<Record<string, string>>,
): { child: ChildProcess; output: () => string } {
  const child = spawn('bash', ['-e', '-c', script], {
    cwd: directory,
    detached: true,
    env: { ...userEnvironment(), ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  return { child, output: () => output };
}

/** The environment of a user's shell, without what npm and Jest have put into ours. */
function userEnvironment(): Record<string, string | undefined> {
  const ours = /^(npm_|NODE_ENV$|NODE_OPTIONS$|JEST_|TEST_DATABASE_URL$|INIT_CWD$)/i;
  const kept = Object.entries(process.env).filter(([name]) => !ours.test(name));
  return { ...Object.fromEntries(kept), PATH: cleanPath() };
}

/** Without the folders that npm puts before it: a newcomer has not got our Node. */
function cleanPath(): string {
  return (process.env['PATH'] ?? '')
    .split(':')
    .filter((folder) => !folder.includes('node_modules') && !folder.includes('node-gyp-bin'))
    .join(':');
}

async function run(
  script: string,
  directory: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<string> {
  const { child, output } = shell(script, directory, environment);
  const timer = setTimeout(() => {
    end(child, 'SIGKILL');
  }, COMMAND_TIMEOUT_MS);
  await once(child, 'close');
  clearTimeout(timer);
  if (child.exitCode !== 0) throw new Error(`The commands failed:\n${script}\n${output()}`);
  return output();
}

function end(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) {
    process.kill(-child.pid, signal);
  }
}

/** Waits until the service that a block starts answers. */
async function ready(started: ReturnType<typeof shell>, port: number): Promise<void> {
  const deadline = Date.now() + READY_TIMEOUT_MS;
  for (;;) {
    const isReady = await fetch(`http://127.0.0.1:${String(port)}/health/ready`).then(
      (answer) => answer.ok,
      () => false,
    );
    if (isReady) return;
    if (started.child.exitCode !== null || Date.now() > deadline) {
      end(started.child, 'SIGKILL');
      throw new Error(`The service did not become ready:\n${started.output()}`);
    }
    await sleep(100);
  }
}

async function stop(started: ReturnType<typeof shell>): Promise<void> {
  const { child } = started;
  if (child.exitCode !== null || child.signalCode !== null) return;
  const closed = once(child, 'close');
  end(child, 'SIGTERM');
  await closed;
}

describe('README.md', () => {
  let project: ProjectCopy;
  let port: number;
  let service: ReturnType<typeof shell>;
  const here = (block: string): string => block.replaceAll('8003', String(port));

  beforeAll(async () => {
    project = await copyProject();
    port = await freePort();
    service = shell(START, project.directory, { PORT: String(port) });
    await ready(service, port);
  }, 400_000);

  afterAll(async () => {
    await stop(service);
    await project.remove();
  }, 60_000);

  it('has no block of commands that is not run here', () => {
    expect(blocksOf('bash').sort()).toEqual(
      [START, TEST, DEMO, SET_UP, WORK, STREAM, COSTS, WITH_LITELLM, PRODUCTION].sort(),
    );
    for (const other of ['sh', 'shell', 'console']) expect(blocksOf(other)).toEqual([]);
  });

  it('starts the service with its first command, and shows what that prints', () => {
    const shown = blockWith('', 'Admin key');
    // The page has the folder of the data without what lies above it.
    const printed = service.output().replaceAll(`${project.directory}/`, '');
    for (const line of shown.split('\n').filter((one) => !one.startsWith('  curl'))) {
      expect(printed).toContain(here(line));
    }
  });

  it('tests the project with its second command, which is what .ci/run does', () => {
    const [install, ...test] = TEST.trim().split(' && ');
    const steps = readFileSync(join(ROOT, '.ci/run'), 'utf8')
      .split('\n')
      .flatMap((line) => /^step \w+ (.*)$/.exec(line)?.[1] ?? []);

    expect(steps).toEqual(expect.arrayContaining([install, ...test]));
  });

  it('makes the demo beside the running service, and shows its month', async () => {
    const output = await run(here(DEMO), project.directory);
    expect(output).toContain('Made the teams acme-corp, startup-xyz, beta-testing, demo-team');
    expect(output).toContain('"total_cost_usd":18.75');
  });

  it('goes the way of a job in curl, Python and Node', async () => {
    const python = blockWith('python', 'requests.post');
    const node = blockWith('javascript', 'await fetch');
    const script = [
      here(SET_UP),
      'echo "KEY=$KEY"',
      here(WORK),
      here(COSTS),
      'export KEY',
      `python3 - <<'PYTHON'\n${here(python)}PYTHON`,
      `node --input-type=module - <<'NODE'\n${here(node)}NODE`,
      here(STREAM),
    ].join('\n');
    const output = await run(script, project.directory);

    expect(output).toMatch(/KEY=sk-/);
    // One credit for each of the four jobs.
    expect(output).toMatch(/"credits_charged":1,[^}]*"credits_remaining":99/);
    expect(output).toMatch(/^98$/m);
    expect(output).toContain('credits_remaining: 97');
    expect(output).toMatch(/"credits_remaining":96\}\}\}\n\ndata: \[DONE\]/);
    expect(output).toContain('"model":"gpt-4o-mini"');
  });

  it('runs with a real LiteLLM', async () => {
    const provider: Sandbox = await startSandbox();
    const proxy = await startLitellm({ sandboxBaseUrl: provider.baseUrl, masterKey: SERVICE_KEY });
    const ownPort = await freePort();
    const block = WITH_LITELLM.replace('http://127.0.0.1:4000', proxy.baseUrl).replace('sk-…', SERVICE_KEY);
    expect(block).not.toBe(WITH_LITELLM);
    const started = shell(block, project.directory, { PORT: String(ownPort), DATA_DIR: '.data-litellm' });
    try {
      await ready(started, ownPort);
      const set = (text: string): string => text.replaceAll('8003', String(ownPort));
      const output = await run(`${set(SET_UP)}\n${set(WORK)}\n${set(COSTS)}`, project.directory);
      expect(output).toContain('"cost_source":"upstream_header"');
    } finally {
      await stop(started);
      await proxy.stop();
      await provider.stop();
    }
  }, 400_000);

  it('builds for production, migrates and runs', async () => {
    const production = await copyProject();
    const database: TestDatabase = await createTestDatabase();
    const provider: Sandbox = await startSandbox();
    const ownPort = await freePort();
    const started = shell(PRODUCTION, production.directory, {
      NODE_ENV: 'production',
      PORT: String(ownPort),
      DATABASE_URL: database.url,
      LITELLM_BASE_URL: provider.baseUrl,
      LITELLM_API_KEY: SERVICE_KEY,
      MASTER_KEY,
      ENCRYPTION_KEY: 'encryption-0123456789abcdef0123456789abcdef',
      SHUTDOWN_DELAY_MS: '0',
      // The block uses the machine's own Node, which has to be as new as it says; this one is.
      PATH: `${join(ROOT, 'node_modules/node/bin')}:${cleanPath()}`,
    });
    try {
      await ready(started, ownPort);
      const set = (text: string): string =>
        text.replaceAll('8003', String(ownPort)).replaceAll('sk-admin-key-change-me', MASTER_KEY);
      const output = await run(`${set(SET_UP)}\n${set(WORK)}`, project.directory);
      expect(output).toContain('"credits_remaining":99');
    } finally {
      await stop(started);
      await provider.stop();
      await database.drop();
      await production.remove();
    }
  }, 400_000);
});

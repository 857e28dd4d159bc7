import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { query } from '../support/database.js';
import {
  freePort,
  makeWorkplace,
  runCommand,
  runProgram,
  type ServerProcess,
  startServer,
  type Workplace,
} from '../support/server-process.js';

/** Not every machine has curl; this is the part of it that the printed command uses, `-s`, `-H` and `-d`. */
const CURL_IN_NODE = `curl() { '${process.execPath}' -e '
  const { values, positionals } = require("node:util").parseArgs({
    allowPositionals: true,
    options: { s: { type: "boolean", short: "s" }, H: { type: "string", short: "H", multiple: true }, d: { type: "string", short: "d" } },
  });
  const headers = Object.fromEntries(values.H.map((header) => header.split(": ", 2)));
  fetch(positionals[0], { method: "POST", headers, body: values.d }).then((answer) => answer.text()).then(console.log);
' -- "$@"; }`;

/** Whether a new connection is taken. */
async function accepts(baseUrl: string): Promise<boolean> {
  return fetch(`${baseUrl}/health/live`, { headers: { connection: 'close' } }).then(
    () => true,
    () => false,
  );
}

describe('the server process', () => {
  let workplace: Workplace;
  const servers: ServerProcess[] = [];

  async function start(environment: Record<string, string> = {}, at = workplace): Promise<ServerProcess> {
    const server = await startServer({ workplace: at, environment });
    servers.push(server);
    return server;
  }

  beforeEach(async () => {
    workplace = await makeWorkplace();
  });
  afterEach(async () => {
    for (const server of servers.splice(0)) await server.end('SIGTERM');
    await workplace.remove();
  });

  it('starts with nothing configured, says what it is in 15 lines, and the printed command works as pasted', async () => {
    const server = await start();
    const printed = server.output();
    expect(printed.trimEnd().split('\n').length).toBeLessThanOrEqual(15);
    expect(printed).toContain(`${server.baseUrl}/docs`);
    expect(printed).toContain('sk-admin-key-change-me');
    const command = printed.split('\n').find((line) => line.trim().startsWith('curl'));
    const pasted = await runCommand('sh', ['-c', `${CURL_IN_NODE}\n${command ?? 'false'}`]);
    expect(JSON.parse(pasted.output)).toMatchObject({ name: 'Acme' });
  });

  it('ends with 0 on SIGTERM and keeps its data', async () => {
    const first = await start();
    expect((await createOrganization(first)).status).toBe(200);
    expect(await first.end('SIGTERM')).toBe(0);
    const second = await start();
    const kept = await createOrganization(second);
    expect(kept.status).toBe(400);
    expect(await verify()).toMatchObject({ code: 0 });
  });

  it('finishes running calls before it ends, and takes no new ones', async () => {
    const server = await start({ LOG_LEVEL: 'info' });
    const send = async (path: string, body: object) => {
      const answer = await fetch(`${server.baseUrl}/api${path}`, {
        method: 'POST',
        headers: { authorization: 'Bearer sk-admin-key-change-me', 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      return { status: answer.status, body: (await answer.json()) as Record<string, string> };
    };
    await send('/organizations/create', { organization_id: 'org', name: 'Org' });
    await send('/model-groups/create', { group_name: 'slow', models: [{ model_name: 'fault-delay-1500' }] });
    await send('/teams/create', {
      organization_id: 'org',
      team_id: 'team',
      model_groups: ['slow'],
      credits_allocated: 1,
    });
    const job = await send('/jobs/create', { team_id: 'team', job_type: 'slow' });
    const call = send(`/jobs/${String(job.body['job_id'])}/llm-call`, {
      messages: [{ role: 'user', content: 'Take your time.' }],
    });
    const isRunning = async () => {
      const answer = await fetch(`${server.baseUrl}/api/jobs/${String(job.body['job_id'])}/costs`, {
        headers: { authorization: 'Bearer sk-admin-key-change-me' },
      });
      const { costs } = (await answer.json()) as { costs: { running_calls: number } };
      return costs.running_calls === 1;
    };
    while (!(await isRunning())) await new Promise((wake) => setTimeout(wake, 10));
    const end = server.end('SIGTERM');
    while (await accepts(server.baseUrl)) await new Promise((wake) => setTimeout(wake, 10));
    expect((await call).status).toBe(200);
    expect(await end).toBe(0);
    expect(server.output()).not.toContain('could not be ended');
    expect(await verify()).toMatchObject({ code: 0 });
  });

  it.each(['SIGINT', 'SIGHUP'] as const)('takes its database along on %s', async (signal) => {
    const server = await start();
    expect(await server.end(signal)).toBe(0);
    expect(await runProgram('commands/db-reset.js', { workplace })).toMatchObject({ code: 0 });
  });

  it('takes its database along when it is ended while it starts', async () => {
    const data = join(workplace.directory, 'data');
    const child = spawn(process.execPath, [join(import.meta.dirname, '../../dist/src/main.js')], {
      cwd: workplace.directory,
      env: { PATH: process.env['PATH'], DATA_DIR: data, PORT: '0' },
      stdio: 'ignore',
    });
    const exit = once(child, 'exit');
    while (!existsSync(join(data, 'postgres', 'postmaster.pid')))
      await new Promise((wake) => setTimeout(wake, 5));
    child.kill('SIGTERM');
    await exit;
    expect(existsSync(join(data, 'postgres', 'postmaster.pid'))).toBe(false);
  });

  it('gives up calls that outlast the grace, on record as failed and of unknown cost', async () => {
    const server = await start({ SHUTDOWN_GRACE_MS: '300' });
    const post = (path: string, body: object) =>
      fetch(`${server.baseUrl}/api${path}`, {
        method: 'POST',
        headers: { authorization: 'Bearer sk-admin-key-change-me', 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
    await post('/organizations/create', { organization_id: 'org', name: 'Org' });
    await post('/model-groups/create', { group_name: 'slow', models: [{ model_name: 'fault-hang' }] });
    await post('/teams/create', {
      organization_id: 'org',
      team_id: 'team',
      model_groups: ['slow'],
      credits_allocated: 1,
    });
    const job = await post('/jobs/create', { team_id: 'team', job_type: 'slow' });
    const { job_id: jobId } = (await job.json()) as { job_id: string };
    const call = post(`/jobs/${jobId}/llm-call`, { messages: [{ role: 'user', content: 'x' }] });
    const costs = async (at: ServerProcess) => {
      const answer = await fetch(`${at.baseUrl}/api/jobs/${jobId}/costs`, {
        headers: { authorization: 'Bearer sk-admin-key-change-me' },
      });
      return ((await answer.json()) as { costs: Record<string, number> }).costs;
    };
    while ((await costs(server))['running_calls'] !== 1) await new Promise((wake) => setTimeout(wake, 10));
    expect(await server.end('SIGTERM')).toBe(0);
    const answer = await call;
    expect(answer.status).toBe(502);
    expect(answer.headers.get('x-should-retry')).toBe('false');
    const again = await start();
    expect(await costs(again)).toMatchObject({ running_calls: 0, failed_calls: 1, unpriced_calls: 1 });
    expect(await verify()).toMatchObject({ code: 0 });
  });

  it('serves the example chain in JavaScript', async () => {
    const server = await start();
    const { code, output } = await exampleChain(server);
    expect(output).toContain('OK: 1 credit charged for 1 completed job');
    expect(code).toBe(0);
  });

  const exampleChain = (server: ServerProcess) =>
    runCommand(process.execPath, ['examples/full_chain.mjs'], { BASE_URL: server.baseUrl });

  const verify = () => runProgram('commands/verify-ledger.js', { workplace });

  const createOrganization = (server: ServerProcess) =>
    fetch(`${server.baseUrl}/api/organizations/create`, {
      method: 'POST',
      headers: { authorization: 'Bearer sk-admin-key-change-me', 'content-type': 'application/json' },
      body: JSON.stringify({ organization_id: 'kept', name: 'Kept' }),
    });

  it('runs beside another one with its own port and data', async () => {
    const elsewhere = await makeWorkplace();
    try {
      const [first, second] = await Promise.all([start(), start({}, elsewhere)]);
      expect(first.baseUrl).not.toBe(second.baseUrl);
      await second.end('SIGTERM');
      expect((await fetch(`${first.baseUrl}/health/ready`)).status).toBe(200);
    } finally {
      await elsewhere.remove();
    }
  });

  it('is one per data directory, and the second says so in a sentence', async () => {
    await start();
    const second = await runProgram('main.js', { workplace, environment: { PORT: '0' } });
    expect(second.code).toBe(1);
    expect(second.output).toMatch(/data directory .* is in use .* DATA_DIR/);
    expect(second.output).not.toMatch(/\n\s+at /);
  });

  it('says in a sentence that its port is busy', async () => {
    const busy = createServer();
    busy.listen(0, '127.0.0.1');
    await once(busy, 'listening');
    const port = String((busy.address() as { port: number }).port);
    const { code, output } = await runProgram('main.js', { workplace, environment: { PORT: port } });
    busy.close();
    expect(code).toBe(1);
    expect(output).toContain(
      `127.0.0.1:${port} is in use by another program. Stop it, or set PORT to a free port.`,
    );
    expect(output).not.toMatch(/\n\s+at /);
  });

  it('says in a sentence that its database cannot be reached, without the password', async () => {
    const environment = { DATABASE_URL: 'postgresql://app:top-secret@127.0.0.1:9/app' };
    const { code, output } = await runProgram('main.js', { workplace, environment });
    expect(code).toBe(1);
    expect(output).toContain('The database app at 127.0.0.1:9 cannot be used: nothing listens there.');
    expect(output).not.toContain('top-secret');
    expect(output).not.toMatch(/\n\s+at /);
  });

  it('refuses to start in production with development settings, naming all of them at once', async () => {
    const { code, output } = await runProgram('main.js', {
      workplace,
      environment: { NODE_ENV: 'production' },
    });
    expect(code).toBe(78);
    for (const name of [
      'MASTER_KEY',
      'ENCRYPTION_KEY',
      'DATABASE_URL',
      'LITELLM_BASE_URL',
      'LITELLM_API_KEY',
    ]) {
      expect(output).toMatch(new RegExp(`${name} must .*; for example ${name}=`));
    }
  });

  it('refuses to start in production on a schema that is older than the code', async () => {
    const environment = {
      NODE_ENV: 'production',
      MASTER_KEY: 'x'.repeat(32),
      ENCRYPTION_KEY: 'y'.repeat(32),
      DATABASE_URL: await emptyDatabase(),
      LITELLM_BASE_URL: 'http://127.0.0.1:9',
      LITELLM_API_KEY: 'sk-x',
      PORT: '0',
    };
    const refused = await runProgram('main.js', { workplace, environment });
    expect(refused).toMatchObject({ code: 78 });
    expect(refused.output).toContain('node dist/src/commands/migrate.js');
    expect(await runProgram('commands/migrate.js', { workplace, environment })).toMatchObject({ code: 0 });
    const server = await startServer({
      workplace,
      environment: Object.fromEntries(Object.entries(environment).filter(([name]) => name !== 'PORT')),
    });
    servers.push(server);
    expect((await fetch(`${server.baseUrl}/health/ready`)).status).toBe(200);
  });

  async function emptyDatabase(): Promise<string> {
    const url = new URL(process.env['TEST_DATABASE_URL'] ?? '');
    const name = `empty_${String(process.pid)}`;
    await query(url.toString().replace(/\/[^/]*$/, '/postgres'), `CREATE DATABASE ${name}`);
    url.pathname = `/${name}`;
    return url.toString();
  }

  it('lets its database be emptied only when it does not run', async () => {
    const server = await start();
    const refused = await runProgram('commands/db-reset.js', { workplace });
    expect(refused.code).toBe(1);
    expect(refused.output).toContain('in use');
    await server.end('SIGTERM');
    expect(await runProgram('commands/db-reset.js', { workplace })).toMatchObject({ code: 0 });
    await start();
    expect(await verify()).toMatchObject({ code: 0 });
  });

  it('starts the sandbox alone, too', async () => {
    const port = await freePort();
    const child = spawn(process.execPath, [
      join(import.meta.dirname, '../../dist/src/commands/sandbox.js'),
      '--port',
      String(port),
    ]);
    await once(child.stdout, 'data');
    const answer = await fetch(`http://127.0.0.1:${String(port)}/v1/models`);
    expect(answer.status).toBe(200);
    child.kill('SIGTERM');
    await once(child, 'exit');
    expect(child.exitCode).toBe(0);
  });
});

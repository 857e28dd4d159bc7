import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  makeWorkplace,
  type ServerProcess,
  startServer,
  type Workplace,
} from '../../support/server-process.js';
import { uniqueName } from '../../support/service.js';
import { type Answer, HangError, HttpClient, type Method, type RequestOptions } from './http-client.js';
import { steadyPort } from './ports.js';
import { noteProcess } from './started-processes.js';

export const ADMIN_KEY = 'sk-chaos-master-0123456789abcdef0123456789ab';

/** The folder for what the processes write, if anybody wants to read it. */
const LOGS = process.env['CHAOS_LOGS'];

export interface DeploymentOptions {
  readonly databaseUrl: string;
  readonly upstreamUrl?: string;
  readonly servers?: number;
  readonly environment?: Readonly<Record<string, string>>;
}

export interface ChaosTeam {
  readonly teamId: string;
  readonly key: string;
}

interface Replica {
  readonly port: number;
  readonly baseUrl: string;
  server: ServerProcess | null;
}

/** Several processes of the service over one database, each of which may be killed and started again. */
export class Deployment {
  private readonly client = new HttpClient();

  private constructor(
    private readonly options: DeploymentOptions,
    private readonly workplace: Workplace,
    private readonly replicas: readonly Replica[],
  ) {}

  static async start(options: DeploymentOptions): Promise<Deployment> {
    const replicas: Replica[] = [];
    for (let number = 0; number < (options.servers ?? 2); number += 1) {
      const port = await steadyPort();
      replicas.push({ port, baseUrl: `http://127.0.0.1:${String(port)}`, server: null });
    }
    const deployment = new Deployment(options, await makeWorkplace(), replicas);
    // The first one migrates; the others only wait for it.
    for (const [number] of replicas.entries()) await deployment.startReplica(number);
    return deployment;
  }

  get size(): number {
    return this.replicas.length;
  }

  async startReplica(number: number): Promise<void> {
    const replica = this.replica(number);
    replica.server = await startServer({
      workplace: this.workplace,
      port: replica.port,
      onSpawn: noteProcess,
      environment: {
        NODE_ENV: 'test',
        MASTER_KEY: ADMIN_KEY,
        LOG_LEVEL: LOGS === undefined ? 'fatal' : 'error',
        DATABASE_URL: this.options.databaseUrl,
        ...(this.options.upstreamUrl !== undefined && { LITELLM_BASE_URL: this.options.upstreamUrl }),
        ...this.options.environment,
      },
    });
  }

  baseUrlOf(number: number): string {
    return this.replica(number).baseUrl;
  }

  async kill(number: number): Promise<void> {
    const replica = this.replica(number);
    await replica.server?.end('SIGKILL');
    keepLog(replica);
    replica.server = null;
  }

  /** @throws HangError, or what the connection failed with */
  async send(
    replica: number,
    key: string,
    method: Method,
    path: string,
    options: RequestOptions = {},
  ): Promise<Answer> {
    return this.client.send(this.replica(replica).baseUrl + path, key, method, options);
  }

  /** Null where the connection broke: whether the request had its effect is then unknown. */
  async trySend(
    replica: number,
    key: string,
    method: Method,
    path: string,
    options: RequestOptions = {},
  ): Promise<Answer | null> {
    try {
      return await this.send(replica, key, method, path, options);
    } catch (error) {
      if (error instanceof HangError) throw error;
      return null;
    }
  }

  /**
   * As a client that has to know: repeats at one replica after the other until it is answered. What a
   * server answers with a fault is not repeated, so that no scenario passes over one.
   */
  async insist(
    first: number,
    key: string,
    method: Method,
    path: string,
    options: RequestOptions = {},
  ): Promise<{ answer: Answer; repetitions: number }> {
    for (let repetitions = 0; ; repetitions += 1) {
      const answer = await this.trySend((first + repetitions) % this.size, key, method, path, options);
      if (answer !== null) return { answer, repetitions };
      await sleep(20);
    }
  }

  /** Waits until a replica says that it is ready; it is not asked for anything else meanwhile. */
  async waitUntilReady(replica: number): Promise<void> {
    for (;;) {
      const answer = await this.trySend(replica, ADMIN_KEY, 'GET', '/health/ready');
      if (answer?.status === 200) return;
      await sleep(10);
    }
  }

  /** A team in an organization of its own, with one group of the given models. */
  async makeTeam(credits: number, models: readonly string[] = ['model-a']): Promise<ChaosTeam> {
    const [organizationId, groupName, teamId] = [uniqueName('org'), uniqueName('group'), uniqueName('team')];
    await this.admin('/api/organizations/create', { organization_id: organizationId, name: 'Org' });
    await this.admin('/api/model-groups/create', {
      group_name: groupName,
      models: models.map((modelName, priority) => ({ model_name: modelName, priority })),
    });
    const team = await this.admin('/api/teams/create', {
      organization_id: organizationId,
      team_id: teamId,
      model_groups: [groupName],
      credits_allocated: credits,
    });
    return { teamId, key: team.body['virtual_key'] as string };
  }

  async admin(path: string, body: object, method: Method = 'POST'): Promise<Answer> {
    const answer = await this.send(0, ADMIN_KEY, method, path, { body });
    if (answer.status !== 200) throw new Error(`${path} answered ${String(answer.status)}: ${answer.text}`);
    return answer;
  }

  async stop(): Promise<void> {
    await this.client.close();
    const ends = this.replicas.map(async ({ server }) => server?.end('SIGTERM'));
    await Promise.all(ends);
    for (const replica of this.replicas) keepLog(replica);
    await this.workplace.remove();
  }

  private replica(number: number): Replica {
    const replica = this.replicas[number];
    if (replica === undefined) throw new Error(`There is no replica ${String(number)}.`);
    return replica;
  }
}

function keepLog({ port, server }: Replica): void {
  if (LOGS !== undefined) appendFileSync(join(LOGS, `${String(port)}.log`), server?.output() ?? '');
}

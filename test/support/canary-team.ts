import { expect } from '@jest/globals';
import { capture, type CapturedAnswer } from './canary-capture.js';
import { modelOf } from './canary-upstream.js';
import { contract } from './contract.js';
import { uniqueName } from './service.js';

export interface Sent {
  readonly body?: unknown;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Of the path, beside the team's own things. */
  readonly path?: Readonly<Record<string, string>>;
  /** Instead of the operation's. */
  readonly method?: string;
  readonly isLeaving?: boolean;
  /** Whether to come without a key. */
  readonly isStranger?: boolean;
}

export interface CanaryServer {
  readonly baseUrl: string;
  readonly masterKey: string;
}

/** A team whose every answer is kept. */
export class CanaryTeam {
  readonly answers: CapturedAnswer[] = [];
  /** Operations of the contract that have been asked for. */
  readonly driven = new Set<string>();
  private readonly names: Record<string, string>;

  private constructor(
    private readonly server: CanaryServer,
    ids: { readonly organizationId: string; readonly teamId: string },
    readonly key: string,
  ) {
    this.names = {
      organization_id: ids.organizationId,
      team_id: ids.teamId,
      group_name: 'ok',
      model: 'ok',
      job_type: 'demo',
      code: 'job_not_open',
    };
  }

  /** Made by the admin, with a group for each list of behaviours; the first one is the default. */
  static async create(
    server: CanaryServer,
    groups: Readonly<Record<string, readonly string[]>>,
  ): Promise<CanaryTeam> {
    const organizationId = uniqueName('org');
    const teamId = uniqueName('team');
    await asAdmin(server, 'POST', '/api/organizations/create', {
      organization_id: organizationId,
      name: 'Org',
    });
    for (const [name, behaviours] of Object.entries(groups)) {
      const models = behaviours.map((behaviour, priority) => ({ model_name: modelOf(behaviour), priority }));
      await asAdmin(server, 'POST', '/api/model-groups/create', { group_name: name, models });
    }
    const made = await asAdmin(server, 'POST', '/api/teams/create', {
      organization_id: organizationId,
      team_id: teamId,
      model_groups: Object.keys(groups),
      credits_allocated: 10_000,
    });
    return new CanaryTeam(server, { organizationId, teamId }, made['virtual_key'] as string);
  }

  /** @param name of an operation in openapi.json */
  async ask(name: string, sent: Sent = {}): Promise<CapturedAnswer> {
    const operation = contract.operations.find(({ operationId }) => operationId === name);
    if (operation === undefined) throw new Error(`The contract has no operation ${name}.`);
    this.driven.add(name);
    const names = { ...this.names, ...sent.path };
    const path = operation.path.replaceAll(/\{(\w+)\}/g, (_, parameter: string) => {
      const value = names[parameter];
      if (value === undefined) throw new Error(`Nobody has said what ${parameter} of ${name} is.`);
      return value;
    });
    return this.send(operation.method, path, sent);
  }

  async send(method: string, path: string, sent: Sent = {}): Promise<CapturedAnswer> {
    const query = sent.query === undefined ? '' : `?${new URLSearchParams(sent.query).toString()}`;
    const answer = await capture(this.server.baseUrl, {
      method: sent.method ?? method.toUpperCase(),
      path: `${path}${query}`,
      headers: { ...(sent.isStranger !== true && { authorization: `Bearer ${this.key}` }), ...sent.headers },
      ...(sent.body !== undefined && { body: sent.body }),
      isLeaving: sent.isLeaving ?? false,
    });
    this.answers.push(answer);
    return answer;
  }

  /** Of the paths. */
  get jobId(): string {
    return this.names['job_id'] ?? '';
  }

  /** @returns a new job, which the paths name from here on */
  async createJob(): Promise<string> {
    const answer = await this.ask('jobs_create', { body: { job_type: 'demo', metadata: { page: 1 } } });
    expect(answer.status).toBe(200);
    const { job_id: jobId } = JSON.parse(answer.body) as { job_id: string };
    this.names['job_id'] = jobId;
    return jobId;
  }

  /** The paths name this call from here on. */
  setCall(callId: string): void {
    this.names['call_id'] = callId;
  }

  /** What the admin sees of a job of the team. */
  async costsOf(jobId: string): Promise<string> {
    return JSON.stringify(await asAdmin(this.server, 'GET', `/api/jobs/${jobId}/costs`));
  }
}

async function asAdmin(
  { baseUrl, masterKey }: CanaryServer,
  method: string,
  path: string,
  body?: object,
): Promise<Record<string, unknown>> {
  const headers = { authorization: `Bearer ${masterKey}` };
  const answer = await capture(baseUrl, { method, path, headers, body });
  expect([path, answer.status, answer.status === 200 ? '' : answer.body]).toEqual([path, 200, '']);
  return JSON.parse(answer.body) as Record<string, unknown>;
}

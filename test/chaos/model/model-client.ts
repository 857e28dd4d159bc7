import type { Pool } from 'pg';
import type { JobExpiryService } from '../../../src/jobs/job-expiry.service.js';
import { ADMIN_KEY, type Deployment } from '../support/deployment.js';
import type { Answer, Method, RequestOptions } from '../support/http-client.js';
import type { TeamHistory } from './team-history.js';
import type { CallOutcome, TeamModel } from './team-model.js';

/** The group whose models make a call end so. */
export type GroupNames = Readonly<Record<CallOutcome, string>>;

/** One client with a team of its own: what it may ask of the service, and what the model knows of the team. */
export class ModelClient {
  operations = 0;
  private keys = 0;

  constructor(
    readonly model: TeamModel,
    readonly groups: GroupNames,
    private readonly key: string,
    private readonly deployment: Deployment,
    private readonly database: Pool,
    private readonly expiry: JobExpiryService,
    private readonly history: TeamHistory,
  ) {}

  post(replica: number, path: string, body?: object, options: RequestOptions = {}): Promise<Answer> {
    this.operations += 1;
    return this.deployment.send(replica, this.key, 'POST', path, { ...options, ...(body && { body }) });
  }

  /** @param action below the path of the team's credits */
  administer(
    replica: number,
    method: Method,
    action: string,
    body: object,
    options: RequestOptions = {},
  ): Promise<Answer> {
    this.operations += 1;
    const path = `/api/credits/teams/${this.model.teamId}/${action}`;
    return this.deployment.send(replica, ADMIN_KEY, method, path, { ...options, body });
  }

  get(replica: number, path: string): Promise<Answer> {
    this.operations += 1;
    return this.deployment.send(replica, this.key, 'GET', path);
  }

  /** What the replica in this process does now and then by itself, at once. */
  async sweepExpiredJobs(): Promise<void> {
    await this.expiry.sweep();
  }

  /** Looks into the database, for what no route shows. */
  async query<Row extends object>(sql: string, values: unknown[] = []): Promise<Row[]> {
    return (await this.database.query<Row>(sql, values)).rows;
  }

  /** For this team only. */
  async letTimePass(hours: number): Promise<void> {
    await this.history.moveBack(this.model.teamId, hours);
  }

  newIdempotencyKey(): string {
    this.keys += 1;
    return `${this.model.teamId}-${String(this.keys)}`;
  }
}

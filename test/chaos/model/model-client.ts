import type { Pool } from 'pg';
import type { CreditsService } from '../../../src/credits/credits.service.js';
import type { JobExpiryService } from '../../../src/jobs/job-expiry.service.js';
import { ADMIN_KEY, type Deployment } from '../support/deployment.js';
import type { Answer, RequestOptions } from '../support/http-client.js';
import type { CallOutcome, TeamModel } from './team-model.js';

/** The group whose models make a call end so. */
export type GroupNames = Readonly<Record<CallOutcome, string>>;

/** Services of one more replica, in this process: for what no route does, and for timers that nobody waits for. */
export interface InsideServices {
  readonly credits: CreditsService;
  readonly expiry: JobExpiryService;
}

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
    private readonly services: InsideServices,
  ) {}

  post(replica: number, path: string, body: object, options: RequestOptions = {}): Promise<Answer> {
    this.operations += 1;
    return this.deployment.send(replica, this.key, 'POST', path, { ...options, body });
  }

  postAsAdmin(replica: number, path: string, body: object, options: RequestOptions = {}): Promise<Answer> {
    this.operations += 1;
    return this.deployment.send(replica, ADMIN_KEY, 'POST', path, { ...options, body });
  }

  get(replica: number, path: string): Promise<Answer> {
    this.operations += 1;
    return this.deployment.send(replica, this.key, 'GET', path);
  }

  /** The services of the replica in this process. */
  get inside(): InsideServices {
    this.operations += 1;
    return this.services;
  }

  /** Looks into the database, for what no route shows, or moves the time of the team's rows. */
  async query<Row extends object>(sql: string, values: unknown[] = []): Promise<Row[]> {
    return (await this.database.query<Row>(sql, values)).rows;
  }

  newIdempotencyKey(): string {
    this.keys += 1;
    return `${this.model.teamId}-${String(this.keys)}`;
  }
}

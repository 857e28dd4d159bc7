import type { Pool } from 'pg';
import { ADMIN_KEY, type Deployment } from '../support/deployment.js';
import type { Answer } from '../support/http-client.js';
import type { CallOutcome, TeamModel } from './team-model.js';

/** The group whose models make a call end so. */
export type GroupNames = Readonly<Record<CallOutcome, string>>;

/** One client with a team of its own: what it may ask of the service, and what the model knows of the team. */
export class ModelClient {
  operations = 0;

  constructor(
    readonly model: TeamModel,
    readonly groups: GroupNames,
    private readonly key: string,
    private readonly deployment: Deployment,
    private readonly database: Pool,
  ) {}

  post(replica: number, path: string, body: object): Promise<Answer> {
    this.operations += 1;
    return this.deployment.send(replica, this.key, 'POST', path, { body });
  }

  postAsAdmin(replica: number, path: string, body: object): Promise<Answer> {
    this.operations += 1;
    return this.deployment.send(replica, ADMIN_KEY, 'POST', path, { body });
  }

  get(replica: number, path: string): Promise<Answer> {
    this.operations += 1;
    return this.deployment.send(replica, this.key, 'GET', path);
  }

  /** Looks into the database, for what no route shows. */
  async query<Row extends object>(sql: string, values: unknown[] = []): Promise<Row[]> {
    return (await this.database.query<Row>(sql, values)).rows;
  }
}

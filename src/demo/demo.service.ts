import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { queryRows } from '../database/rows.js';
import { Transactions } from '../database/transactions.js';
import { ModelGroupsService } from '../model-groups/model-groups.service.js';
import { OrganizationsService } from '../organizations/organizations.service.js';
import { TeamsService } from '../teams/teams.service.js';
import { DemoHistory } from './demo.history.js';
import { DEMO_GROUPS } from './demo.plan.js';

/** The organization of the demo; its own name, so that it is in nobody's way. */
const ORGANIZATION = 'demo-organization';

/** The team with a month behind it. */
export const HISTORY_TEAM = 'acme-corp';
export const DEMO_TEAMS = [HISTORY_TEAM, 'startup-xyz', 'beta-testing', 'demo-team'] as const;

const CREDITS_TO_BEGIN_WITH = 100;

/** Any number that no other program on the same database uses for its own locks. */
const DEMO_LOCK = 5_310_442_786;

/** What the demo has made, or found made. */
export type DemoOutcome =
  | { readonly kind: 'made'; readonly keys: ReadonlyMap<string, string> }
  | { readonly kind: 'there_already' }
  | { readonly kind: 'refused'; readonly sentence: string };

/** Makes the teams that the usage examples name, and a month of jobs for one of them. */
@Injectable()
export class DemoService {
  constructor(
    private readonly organizations: OrganizationsService,
    private readonly modelGroups: ModelGroupsService,
    private readonly teams: TeamsService,
    private readonly history: DemoHistory,
    private readonly transactions: Transactions,
  ) {}

  /**
   * Everything in one transaction, or nothing. Idempotent: where the demo is there already, nothing changes;
   * of several at once one works, and the others find its work.
   */
  async make(): Promise<DemoOutcome> {
    return this.transactions.run(async (manager) => {
      await queryRows(manager, `SELECT pg_advisory_xact_lock($1)`, [DEMO_LOCK]);
      if (await this.isThere(manager)) return { kind: 'there_already' };
      const taken = await this.findTaken(manager);
      if (taken !== null) return { kind: 'refused', sentence: taken };
      return { kind: 'made', keys: await this.create(manager) };
    });
  }

  private async isThere(manager: EntityManager): Promise<boolean> {
    const rows = await queryRows(
      manager,
      `SELECT 1 FROM organizations WHERE organization_id = $1 AND metadata @> '{"demo": true}'`,
      [ORGANIZATION],
    );
    return rows.length === 1;
  }

  /** What stands in the way of the demo: it never adds to what somebody else has made. */
  private async findTaken(manager: EntityManager): Promise<string | null> {
    const rows = await queryRows<{ what: string }>(
      manager,
      `SELECT 'an organization ' || organization_id AS what FROM organizations WHERE organization_id = $1
       UNION ALL SELECT 'a team ' || team_id FROM teams WHERE team_id = ANY($2::varchar[])
       UNION ALL SELECT 'a model group ' || group_name FROM model_groups WHERE group_name = ANY($3::varchar[])`,
      [ORGANIZATION, [...DEMO_TEAMS], Object.keys(DEMO_GROUPS)],
    );
    const [first] = rows;
    return first === undefined
      ? null
      : `There is ${first.what} that is not of the demo, which would mix with it. Use another database.`;
  }

  private async create(manager: EntityManager): Promise<ReadonlyMap<string, string>> {
    const metadata = { demo: true };
    await this.organizations.create(
      { organizationId: ORGANIZATION, name: 'Demo organization', metadata },
      manager,
    );
    for (const [groupName, models] of Object.entries(DEMO_GROUPS)) {
      await this.modelGroups.create(
        {
          groupName,
          displayName: groupName,
          description: 'Of the demo',
          models: models.map((modelName, priority) => ({ modelName, priority, weight: 1, isActive: true })),
        },
        manager,
      );
    }
    const keys = new Map<string, string>();
    for (const teamId of DEMO_TEAMS) {
      const { virtualKey } = await this.teams.createWithin(manager, {
        organizationId: ORGANIZATION,
        teamId,
        teamAlias: null,
        modelGroups: Object.keys(DEMO_GROUPS),
        // The history brings its own credits, from before its month.
        credits: teamId === HISTORY_TEAM ? 0 : CREDITS_TO_BEGIN_WITH,
        costVisibility: 'summary',
        budget: {},
        metadata,
      });
      keys.set(teamId, virtualKey);
    }
    await this.history.write(manager, HISTORY_TEAM);
    return keys;
  }
}

import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { CreationKey } from '../common/pagination.js';
import { violatesUnique } from '../database/postgres-error.js';
import { queryRows } from '../database/rows.js';
import { Team } from './entities/team.entity.js';
import { teamAlreadyExists } from './teams.errors.js';
import type { TeamChange, TeamFilter, TeamRecord, TeamStatus } from './teams.types.js';

@Injectable()
export class TeamsRepository {
  /** @throws DomainError team_already_exists */
  async insert(manager: EntityManager, team: TeamRecord): Promise<void> {
    try {
      await manager.getRepository(Team).insert({ ...team });
    } catch (error) {
      if (violatesUnique(error, 'teams_pkey')) throw teamAlreadyExists(team.teamId);
      throw error;
    }
  }

  async find(manager: EntityManager, teamId: string): Promise<TeamRecord | null> {
    return manager.getRepository(Team).findOneBy({ teamId });
  }

  /** Newest first; without the deleted ones, unless they are asked for. */
  async list(
    manager: EntityManager,
    filter: TeamFilter,
    after: CreationKey | null,
    limit: number,
  ): Promise<TeamRecord[]> {
    const query = manager
      .getRepository(Team)
      .createQueryBuilder('team')
      .orderBy('team.createdAt', 'DESC')
      .addOrderBy('team.teamId', 'DESC')
      .limit(limit);
    if (after !== null) query.andWhere('(team.createdAt, team.teamId) < (:createdAt, :id)', { ...after });
    if (filter.organizationId !== null) {
      query.andWhere('team.organizationId = :organizationId', { organizationId: filter.organizationId });
    }
    if (filter.status === null) query.andWhere(`team.status <> 'deleted'`);
    else query.andWhere('team.status = :status', { status: filter.status });
    return query.getMany();
  }

  /** How many teams an organization has, without the deleted ones. */
  async countOfOrganization(manager: EntityManager, organizationId: string): Promise<number> {
    const rows = await queryRows<{ teams: number }>(
      manager,
      `SELECT count(*)::int AS teams FROM teams WHERE organization_id = $1 AND status <> 'deleted'`,
      [organizationId],
    );
    return rows[0]?.teams ?? 0;
  }

  /**
   * Whether new work may begin for a team: the state of the team and of its organization, in one read.
   *
   * @param isJob whether a job begins: then the team cannot be deleted until the transaction ends, or the
   * job would be left open in it. (A call needs no such lock: its job's row is locked.)
   */
  async findForWork(
    manager: EntityManager,
    teamId: string,
    isJob: boolean,
  ): Promise<{ organizationId: string; status: TeamStatus; isOrganizationActive: boolean } | null> {
    const rows = await queryRows<{
      organization_id: string;
      status: TeamStatus;
      is_organization_active: boolean;
    }>(
      manager,
      `SELECT teams.organization_id, teams.status,
              organizations.status = 'active' AS is_organization_active
         FROM teams JOIN organizations USING (organization_id)
        WHERE team_id = $1 ${isJob ? 'FOR KEY SHARE OF teams' : ''}`,
      [teamId],
    );
    const row = rows[0];
    return row === undefined
      ? null
      : {
          organizationId: row.organization_id,
          status: row.status,
          isOrganizationActive: row.is_organization_active,
        };
  }

  /**
   * The team, locked until the transaction ends: against others who would change it, and for a deletion
   * also against jobs that begin.
   */
  async lock(
    manager: EntityManager,
    teamId: string,
    purpose: 'change' | 'deletion',
  ): Promise<TeamRecord | null> {
    return manager.getRepository(Team).findOne({
      where: { teamId },
      lock: { mode: purpose === 'deletion' ? 'pessimistic_write' : 'for_no_key_update' },
    });
  }

  /** Changes a team that the caller has locked. */
  async update(manager: EntityManager, teamId: string, change: TeamChange, now: Date): Promise<void> {
    await manager.getRepository(Team).update({ teamId }, { ...change, updatedAt: now });
  }
}

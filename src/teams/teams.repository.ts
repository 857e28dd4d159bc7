import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { violatesUnique } from '../database/postgres-error.js';
import { Team } from './entities/team.entity.js';
import { teamAlreadyExists } from './teams.errors.js';
import type { TeamRecord, TeamStatus } from './teams.types.js';

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

  /** @returns whether there is such a team */
  async updateStatus(
    manager: EntityManager,
    teamId: string,
    status: TeamStatus,
    now: Date,
  ): Promise<boolean> {
    const result = await manager.getRepository(Team).update({ teamId }, { status, updatedAt: now });
    return result.affected === 1;
  }
}

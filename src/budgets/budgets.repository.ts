import { Injectable } from '@nestjs/common';
import { type EntityManager, In } from 'typeorm';
import type { JobTypeTerms, TeamBudget } from './budgets.types.js';
import { JobTypeTermsEntity } from './entities/job-type-terms.entity.js';
import { TeamBudgetEntity } from './entities/team-budget.entity.js';

@Injectable()
export class BudgetsRepository {
  async insert(manager: EntityManager, budget: TeamBudget): Promise<void> {
    await manager.getRepository(TeamBudgetEntity).insert({ ...budget });
  }

  async find(manager: EntityManager, teamId: string): Promise<TeamBudget | null> {
    return manager.getRepository(TeamBudgetEntity).findOneBy({ teamId });
  }

  async list(manager: EntityManager, teamIds: readonly string[]): Promise<TeamBudget[]> {
    return manager.getRepository(TeamBudgetEntity).findBy({ teamId: In(teamIds) });
  }

  /** @returns whether there is such a team */
  async update(
    manager: EntityManager,
    teamId: string,
    change: Partial<Omit<TeamBudget, 'teamId'>>,
  ): Promise<boolean> {
    const { affected } = await manager.getRepository(TeamBudgetEntity).update({ teamId }, change);
    return affected === 1;
  }

  async findJobType(manager: EntityManager, teamId: string, jobType: string): Promise<JobTypeTerms | null> {
    return manager.getRepository(JobTypeTermsEntity).findOneBy({ teamId, jobType });
  }

  /** By name. @param after the type after which the page begins, or null */
  async listJobTypes(
    manager: EntityManager,
    teamId: string,
    after: string | null,
    limit: number,
  ): Promise<JobTypeTerms[]> {
    const query = manager
      .getRepository(JobTypeTermsEntity)
      .createQueryBuilder('terms')
      .where('terms.teamId = :teamId', { teamId })
      .orderBy('terms.jobType', 'ASC')
      .limit(limit);
    if (after !== null) query.andWhere('terms.jobType > :after', { after });
    return query.getMany();
  }

  async saveJobType(manager: EntityManager, terms: JobTypeTerms): Promise<void> {
    await manager
      .getRepository(JobTypeTermsEntity)
      .upsert({ ...terms }, { conflictPaths: ['teamId', 'jobType'] });
  }

  /** @returns whether there was one */
  async deleteJobType(manager: EntityManager, teamId: string, jobType: string): Promise<boolean> {
    const { affected } = await manager.getRepository(JobTypeTermsEntity).delete({ teamId, jobType });
    return affected === 1;
  }
}

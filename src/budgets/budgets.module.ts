import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { BudgetsRepository } from './budgets.repository.js';
import { BudgetsService } from './budgets.service.js';
import { JobTypeTermsEntity } from './entities/job-type-terms.entity.js';
import { TeamBudgetEntity } from './entities/team-budget.entity.js';

@Module({
  imports: [TypeOrmModule.forFeature([TeamBudgetEntity, JobTypeTermsEntity])],
  providers: [BudgetsRepository, BudgetsService],
  exports: [BudgetsService],
})
export class BudgetsModule {}

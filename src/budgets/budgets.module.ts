import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { CreditsModule } from '../credits/credits.module.js';
import { BudgetsController } from './budgets.controller.js';
import { BudgetsRepository } from './budgets.repository.js';
import { BudgetsService } from './budgets.service.js';
import { JobTypeTermsEntity } from './entities/job-type-terms.entity.js';
import { TeamBudgetEntity } from './entities/team-budget.entity.js';
import { JobTypesController } from './job-types.controller.js';

@Module({
  imports: [TypeOrmModule.forFeature([TeamBudgetEntity, JobTypeTermsEntity]), CreditsModule],
  controllers: [BudgetsController, JobTypesController],
  providers: [BudgetsRepository, BudgetsService],
  exports: [BudgetsService],
})
export class BudgetsModule {}

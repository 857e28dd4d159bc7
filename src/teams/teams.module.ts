import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { BudgetsModule } from '../budgets/budgets.module.js';
import { CreditsModule } from '../credits/credits.module.js';
import { KeysModule } from '../keys/keys.module.js';
import { ModelGroupsModule } from '../model-groups/model-groups.module.js';
import { OrganizationsModule } from '../organizations/organizations.module.js';
import { RefillsModule } from '../refills/refills.module.js';
import { Team } from './entities/team.entity.js';
import { ModelGroupAccessController } from './model-group-access.controller.js';
import { ModelGroupAccessService } from './model-group-access.service.js';
import { OrganizationSetupService } from './organization-setup.service.js';
import { OrganizationTeamsController } from './organization-teams.controller.js';
import { TeamBalanceController } from './team-balance.controller.js';
import { TeamBalanceService } from './team-balance.service.js';
import { TeamsController } from './teams.controller.js';
import { TeamsRepository } from './teams.repository.js';
import { TeamsService } from './teams.service.js';

@Module({
  imports: [
    TypeOrmModule.forFeature([Team]),
    OrganizationsModule,
    KeysModule,
    ModelGroupsModule,
    BudgetsModule,
    CreditsModule,
    RefillsModule,
  ],
  controllers: [
    TeamsController,
    OrganizationTeamsController,
    ModelGroupAccessController,
    TeamBalanceController,
  ],
  providers: [
    TeamsRepository,
    TeamsService,
    OrganizationSetupService,
    ModelGroupAccessService,
    TeamBalanceService,
  ],
  exports: [TeamsService],
})
export class TeamsModule {}

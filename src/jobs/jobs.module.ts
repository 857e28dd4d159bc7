import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { BudgetsModule } from '../budgets/budgets.module.js';
import { CreditsModule } from '../credits/credits.module.js';
import { GatewayModule } from '../gateway/gateway.module.js';
import { KeysModule } from '../keys/keys.module.js';
import { LlmCallsModule } from '../llm-calls/llm-calls.module.js';
import { ModelGroupsModule } from '../model-groups/model-groups.module.js';
import { TeamsModule } from '../teams/teams.module.js';
import { CallAdmissionService } from './call-admission.service.js';
import { CallMessagesController } from './call-messages.controller.js';
import { CallSweepService } from './call-sweep.service.js';
import { Job } from './entities/job.entity.js';
import { JobCallsService } from './job-calls.service.js';
import { JobCompletionService } from './job-completion.service.js';
import { JobExpiryService } from './job-expiry.service.js';
import { JobActionsController } from './job-actions.controller.js';
import { TeamDeletionController } from './team-deletion.controller.js';
import { JobsController } from './jobs.controller.js';
import { JobsRepository } from './jobs.repository.js';
import { JobsService } from './jobs.service.js';

@Module({
  imports: [
    TypeOrmModule.forFeature([Job]),
    TeamsModule,
    KeysModule,
    BudgetsModule,
    CreditsModule,
    ModelGroupsModule,
    LlmCallsModule,
    GatewayModule,
  ],
  controllers: [JobsController, JobActionsController, CallMessagesController, TeamDeletionController],
  providers: [
    JobsRepository,
    JobsService,
    CallAdmissionService,
    JobCallsService,
    JobCompletionService,
    CallSweepService,
    JobExpiryService,
  ],
})
export class JobsModule {}

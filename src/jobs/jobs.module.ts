import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { BudgetsModule } from '../budgets/budgets.module.js';
import { CreditsModule } from '../credits/credits.module.js';
import { GatewayModule } from '../gateway/gateway.module.js';
import { KeysModule } from '../keys/keys.module.js';
import { LlmCallsModule } from '../llm-calls/llm-calls.module.js';
import { ModelGroupsModule } from '../model-groups/model-groups.module.js';
import { TeamsModule } from '../teams/teams.module.js';
import { CallAnswersService } from './call-answers.service.js';
import { CallAdmissionService } from './call-admission.service.js';
import { CallMessagesController } from './call-messages.controller.js';
import { CallRecordingService } from './call-recording.service.js';
import { CallSweepService } from './call-sweep.service.js';
import { ChatStreamsService } from './chat-streams.service.js';
import { Job } from './entities/job.entity.js';
import { JobCallsController } from './job-calls.controller.js';
import { JobCallsService } from './job-calls.service.js';
import { JobCompletionService } from './job-completion.service.js';
import { JobExpiryService } from './job-expiry.service.js';
import { JobActionsController } from './job-actions.controller.js';
import { TeamDeletionController } from './team-deletion.controller.js';
import { OneCallJobsController } from './one-call-jobs.controller.js';
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
  controllers: [
    // Its paths have no parameter where those of the next ones have one.
    OneCallJobsController,
    JobsController,
    JobCallsController,
    JobActionsController,
    CallMessagesController,
    TeamDeletionController,
  ],
  providers: [
    JobsRepository,
    JobsService,
    CallAdmissionService,
    CallAnswersService,
    CallRecordingService,
    ChatStreamsService,
    JobCallsService,
    JobCompletionService,
    CallSweepService,
    JobExpiryService,
  ],
  exports: [JobCallsService, JobsService],
})
export class JobsModule {}

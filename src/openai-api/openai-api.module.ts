import { Module } from '@nestjs/common';
import { JobsModule } from '../jobs/jobs.module.js';
import { ModelGroupsModule } from '../model-groups/model-groups.module.js';
import { TeamsModule } from '../teams/teams.module.js';
import { OpenaiCallsService } from './openai-calls.service.js';
import { OpenaiJobController } from './openai-job.controller.js';
import { OpenaiModelsService } from './openai-models.service.js';
import { OpenaiController } from './openai.controller.js';

@Module({
  imports: [JobsModule, ModelGroupsModule, TeamsModule],
  controllers: [OpenaiController, OpenaiJobController],
  providers: [OpenaiCallsService, OpenaiModelsService],
})
export class OpenaiApiModule {}

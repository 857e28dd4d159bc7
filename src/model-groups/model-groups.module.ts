import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { ModelGroupModel } from './entities/model-group-model.entity.js';
import { ModelGroup } from './entities/model-group.entity.js';
import { TeamModelGroup } from './entities/team-model-group.entity.js';
import { ModelGroupsController } from './model-groups.controller.js';
import { ModelGroupsRepository } from './model-groups.repository.js';
import { ModelGroupsService } from './model-groups.service.js';

@Module({
  imports: [TypeOrmModule.forFeature([ModelGroup, ModelGroupModel, TeamModelGroup])],
  controllers: [ModelGroupsController],
  providers: [ModelGroupsRepository, ModelGroupsService],
  exports: [ModelGroupsService],
})
export class ModelGroupsModule {}

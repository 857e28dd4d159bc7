import { Body, Controller, Get, HttpCode, Param, Post } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Admin } from '../common/access.js';
import { ApiBodyProblems, ApiProblems } from '../common/openapi.js';
import { CreateModelGroupRequest } from './dto/create-model-group.request.js';
import { ModelGroupResponse, toModelGroupResponse } from './dto/model-group.response.js';
import { ModelGroupsService } from './model-groups.service.js';

@ApiTags('Model groups')
@Controller('api/model-groups')
export class ModelGroupsController {
  constructor(private readonly modelGroups: ModelGroupsService) {}

  @Post('create')
  @HttpCode(200)
  @Admin()
  @ApiOperation({ summary: 'Put a name that clients use in front of an ordered list of models' })
  @ApiOkResponse({ type: ModelGroupResponse })
  @ApiBodyProblems()
  async create(@Body() request: CreateModelGroupRequest): Promise<ModelGroupResponse> {
    const group = await this.modelGroups.create({
      groupName: request.group_name,
      displayName: request.display_name ?? request.group_name,
      description: request.description ?? null,
      models: request.models.map((model) => ({ modelName: model.model_name, priority: model.priority ?? 0 })),
    });
    return toModelGroupResponse(group);
  }

  @Get(':group_name')
  @Admin()
  @ApiOperation({ summary: 'A model group' })
  @ApiOkResponse({ type: ModelGroupResponse })
  @ApiProblems(404)
  async get(@Param('group_name') groupName: string): Promise<ModelGroupResponse> {
    return toModelGroupResponse(await this.modelGroups.get(groupName));
  }
}

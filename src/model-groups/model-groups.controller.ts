import { Body, Controller, Delete, Get, HttpCode, Param, Post, Put, Query } from '@nestjs/common';
import { ApiBody, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Admin, CurrentPrincipal, type Principal, Team } from '../common/access.js';
import { ArrayBodyPipe } from '../common/array-body.js';
import { ApiBodyErrors, ApiErrors, ApiPathIdentifier } from '../common/openapi.js';
import { PageQuery, toPageRequest } from '../common/page.query.js';
import { invalidCursor } from '../common/pagination.js';
import {
  CreateModelGroupRequest,
  GroupModelRequest,
  MAX_MODELS_PER_GROUP,
  toGroupModel,
} from './dto/create-model-group.request.js';
import {
  DeletedModelGroupResponse,
  GroupModelsResponse,
  ModelGroupListResponse,
  ModelGroupResponse,
  toGroupModelsResponse,
  toModelGroupListResponse,
  toModelGroupResponse,
} from './dto/model-group.response.js';
import { GroupModelsBody, UpdateModelGroupRequest } from './dto/update-model-group.request.js';
import { modelGroupAlreadyExists, modelGroupInUse, modelGroupNotFound } from './model-groups.errors.js';
import { ModelGroupsService } from './model-groups.service.js';

const NAME = 'group_name';
const NOT_FOUND = modelGroupNotFound('ChatFast');
const ApiGroupName = (): MethodDecorator => ApiPathIdentifier(NAME, 'ChatFast');

@ApiTags('Model groups')
@Controller('api/model-groups')
export class ModelGroupsController {
  constructor(private readonly modelGroups: ModelGroupsService) {}

  @Post('create')
  @HttpCode(200)
  @Admin()
  @ApiOperation({
    summary: 'Put a name that clients use in front of an ordered list of models',
    description: 'The model with the lowest priority is tried first, the next one when it fails.',
  })
  @ApiOkResponse({ type: ModelGroupResponse })
  @ApiBodyErrors(modelGroupAlreadyExists('ChatFast'))
  async create(@Body() request: CreateModelGroupRequest): Promise<ModelGroupResponse> {
    const group = await this.modelGroups.create({
      groupName: request.group_name,
      displayName: request.display_name ?? request.group_name,
      description: request.description ?? null,
      models: request.models.map(toGroupModel),
    });
    return toModelGroupResponse(group);
  }

  @Get()
  @Team()
  @ApiOperation({
    summary: 'Model groups, newest first',
    description: 'With the admin key all of them with their models; with a team key its own, without models.',
  })
  @ApiOkResponse({ type: ModelGroupListResponse })
  @ApiErrors(invalidCursor())
  async list(
    @CurrentPrincipal() principal: Principal,
    @Query() query: PageQuery,
  ): Promise<ModelGroupListResponse> {
    const isAdmin = principal.role === 'admin';
    const page = await this.modelGroups.list(isAdmin ? null : principal.teamId, toPageRequest(query));
    return toModelGroupListResponse(page, isAdmin);
  }

  @Get(`:${NAME}`)
  @Admin()
  @ApiGroupName()
  @ApiOperation({
    summary: 'A model group',
    description: 'The group with its models, in the order in which they are tried.',
  })
  @ApiOkResponse({ type: ModelGroupResponse })
  @ApiErrors(NOT_FOUND)
  async get(@Param(NAME) groupName: string): Promise<ModelGroupResponse> {
    return toModelGroupResponse(await this.modelGroups.get(groupName));
  }

  @Put(`:${NAME}`)
  @Admin()
  @ApiGroupName()
  @ApiOperation({
    summary: 'Change a model group, or switch it off and on',
    description: 'What is left out stays as it is. The models have a route of their own.',
  })
  @ApiOkResponse({ type: ModelGroupResponse })
  @ApiBodyErrors(NOT_FOUND)
  async update(
    @Param(NAME) groupName: string,
    @Body() request: UpdateModelGroupRequest,
  ): Promise<ModelGroupResponse> {
    const group = await this.modelGroups.update(groupName, {
      ...(request.display_name != null && { displayName: request.display_name }),
      ...(request.description != null && { description: request.description }),
      ...(request.status != null && { status: request.status }),
    });
    return toModelGroupResponse(group);
  }

  @Put(`:${NAME}/models`)
  @Admin()
  @ApiGroupName()
  @ApiOperation({
    summary: 'Replace all models of a group',
    description: 'Calls that run go on with the models they began with.',
  })
  @ApiBody({
    schema: {
      type: 'array',
      minItems: 1,
      maxItems: MAX_MODELS_PER_GROUP,
      items: { $ref: '#/components/schemas/GroupModelRequest' },
    },
  })
  @ApiOkResponse({ type: GroupModelsResponse })
  @ApiBodyErrors(NOT_FOUND)
  async setModels(
    @Param(NAME) groupName: string,
    @Body(new ArrayBodyPipe(GroupModelsBody)) models: GroupModelRequest[],
  ): Promise<GroupModelsResponse> {
    return toGroupModelsResponse(await this.modelGroups.setModels(groupName, models.map(toGroupModel)));
  }

  @Delete(`:${NAME}`)
  @Admin()
  @ApiGroupName()
  @ApiOperation({
    summary: 'Delete a model group that no team has',
    description: 'Past calls keep the name. A group of the same name may be created later.',
  })
  @ApiOkResponse({ type: DeletedModelGroupResponse })
  @ApiBodyErrors(NOT_FOUND, modelGroupInUse('ChatFast'))
  async delete(@Param(NAME) groupName: string): Promise<DeletedModelGroupResponse> {
    await this.modelGroups.delete(groupName);
    return { group_name: groupName, status: 'deleted', message: `Model group ${groupName} is deleted.` };
  }
}

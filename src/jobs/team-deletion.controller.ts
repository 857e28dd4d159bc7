import { Controller, Delete, Param } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiProperty, ApiTags } from '@nestjs/swagger';
import { teamNotFound } from '../common/access.errors.js';
import { Admin, TEAM_PATH_PARAM } from '../common/access.js';
import { ApiBodyErrors, ApiPathIdentifier } from '../common/openapi.js';
import { teamHasOpenJobs } from '../teams/teams.errors.js';
import { JobsService } from './jobs.service.js';

export class DeletedTeamResponse {
  @ApiProperty({ type: String, example: 'engineering-team' })
  team_id!: string;

  @ApiProperty({ type: String, enum: ['deleted'], example: 'deleted' })
  status!: 'deleted';

  @ApiProperty({ type: String, example: 'Team engineering-team is deleted.' })
  message!: string;
}

/** Deleting a team, which needs to know of its jobs; `teams` itself does not. */
@ApiTags('Teams')
@Controller('api/teams')
export class TeamDeletionController {
  constructor(private readonly jobs: JobsService) {}

  @Delete(':team_id')
  @Admin()
  @ApiPathIdentifier(TEAM_PATH_PARAM, 'engineering-team')
  @ApiOperation({
    operationId: 'teams_delete',
    summary: 'Delete a team that has no open job',
    description:
      'Its keys are revoked and its model groups taken away. Its jobs, costs and ledger stay readable for the ' +
      'admin, and its id is not free again.',
  })
  @ApiOkResponse({ type: DeletedTeamResponse })
  @ApiBodyErrors(teamNotFound('engineering-team'), teamHasOpenJobs('engineering-team'))
  async delete(@Param(TEAM_PATH_PARAM) teamId: string): Promise<DeletedTeamResponse> {
    await this.jobs.deleteTeam(teamId);
    return { team_id: teamId, status: 'deleted', message: `Team ${teamId} is deleted.` };
  }
}

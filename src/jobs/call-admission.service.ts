import { Injectable } from '@nestjs/common';
import { unauthenticated } from '../common/access.errors.js';
import type { Principal } from '../common/access.js';
import { Clock } from '../common/clock.js';
import { Transactions } from '../database/transactions.js';
import type { Correlation } from '../gateway/gateway.types.js';
import { KeysService } from '../keys/keys.service.js';
import { LlmCallsService } from '../llm-calls/llm-calls.service.js';
import type { OpenedCall } from '../llm-calls/llm-calls.types.js';
import { ModelGroupsService } from '../model-groups/model-groups.service.js';
import type { ResolvedModelGroup } from '../model-groups/model-groups.types.js';
import { TeamsService } from '../teams/teams.service.js';
import { jobNotOpen } from './jobs.errors.js';
import { type JobScope, JobsRepository } from './jobs.repository.js';
import { JobsService } from './jobs.service.js';

/** A call on record as running, with what it takes to make it. */
export interface AdmittedCall extends OpenedCall {
  readonly teamId: string;
  readonly jobId: string;
  readonly group: ResolvedModelGroup;
  readonly correlation: Correlation;
}

/** Decides whether a call may begin, and writes it down before it does. */
@Injectable()
export class CallAdmissionService {
  constructor(
    private readonly repository: JobsRepository,
    private readonly jobs: JobsService,
    private readonly teams: TeamsService,
    private readonly keys: KeysService,
    private readonly modelGroups: ModelGroupsService,
    private readonly llmCalls: LlmCallsService,
    private readonly transactions: Transactions,
    private readonly clock: Clock,
  ) {}

  /**
   * Lets a call begin, in one short transaction. The job's row is locked first, so no call can start after
   * the job has ended; team and key are read in it, so a suspension or a revocation stops the next call on
   * every replica.
   *
   * @throws DomainError job_not_found, job_not_open, team_suspended, organization_suspended, unauthenticated,
   * model_group_forbidden, model_group_inactive, model_group_not_found
   */
  async admit(
    principal: Principal,
    scope: JobScope,
    input: { modelGroup: string | null; purpose: string | null; metadata: object },
  ): Promise<AdmittedCall> {
    return this.transactions.run(async (manager) => {
      const job = await this.repository.admitCall(manager, scope, this.clock.now());
      if (job === null) throw jobNotOpen((await this.jobs.get(scope, manager)).status);
      const { teamId } = job;
      const { organizationId } = await this.teams.admitWork(manager, principal, teamId, 'call');
      if (principal.role === 'team' && !(await this.keys.isUsable(manager, principal.keyId))) {
        throw unauthenticated();
      }
      const group = await this.modelGroups.resolveForTeam(
        manager,
        teamId,
        input.modelGroup,
        principal.role === 'admin',
      );
      const { jobId } = scope;
      const call = await this.llmCalls.open(manager, {
        teamId,
        jobId,
        modelGroup: group.groupName,
        modelName: group.models[0]?.modelName ?? '',
        purpose: input.purpose,
        metadata: input.metadata,
      });
      return {
        ...call,
        teamId,
        jobId,
        group,
        correlation: {
          traceId: jobId,
          endUserId: teamId,
          tags: [`org:${organizationId}`, `team:${teamId}`, `job_type:${job.jobType}`],
          metadata: { call_id: call.callId, job_id: jobId, team_id: teamId },
        },
      };
    });
  }
}

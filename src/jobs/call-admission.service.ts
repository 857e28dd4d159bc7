import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { unauthenticated } from '../common/access.errors.js';
import type { Principal } from '../common/access.js';
import { Clock } from '../common/clock.js';
import { Transactions } from '../database/transactions.js';
import { GatewayService } from '../gateway/gateway.service.js';
import type { Correlation } from '../gateway/gateway.types.js';
import { KeysService } from '../keys/keys.service.js';
import { LlmCallsService } from '../llm-calls/llm-calls.service.js';
import type { CallKind, OpenedCall } from '../llm-calls/llm-calls.types.js';
import { ModelGroupsService } from '../model-groups/model-groups.service.js';
import { TeamsService } from '../teams/teams.service.js';
import type { BegunCall, CallTarget } from './job-calls.types.js';
import { jobNotOpen, modelsResting } from './jobs.errors.js';
import { type JobScope, JobsRepository } from './jobs.repository.js';
import { JobsService, scopeOf } from './jobs.service.js';

/** What of a call decides whether it may begin, and is written down when it does. */
export interface CallOptions {
  readonly kind: CallKind;
  readonly isStream: boolean;
  readonly modelGroup: string | null;
  readonly purpose: string | null;
  readonly metadata: object;
}

/** A call on record as running, with what it takes to make it. */
export interface AdmittedCall extends OpenedCall, BegunCall {
  readonly teamId: string;
  /** In the order in which they are tried. */
  readonly modelNames: readonly string[];
  readonly mayRetryAmbiguous: boolean;
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
    private readonly gateway: GatewayService,
    private readonly transactions: Transactions,
    private readonly clock: Clock,
  ) {}

  /**
   * Lets a call begin, in one short transaction, which also creates the job of a call that has none yet. The
   * job's row is locked first, so no call can start after the job has ended; team and key are read in it, so
   * a suspension or a revocation stops the next call on every replica.
   *
   * @throws DomainError job_not_found, job_not_open, team_suspended, organization_suspended, unauthenticated,
   * model_group_forbidden, model_group_inactive, model_group_not_found, upstream_unavailable, and for a new
   * job whatever {@link JobsService.create} throws
   */
  async admit(principal: Principal, target: CallTarget, options: CallOptions): Promise<AdmittedCall> {
    return this.transactions.run(async (manager) => {
      const { scope, available } = await this.jobOf(manager, principal, target);
      const startedAt = this.clock.now();
      const job = await this.repository.admitCall(manager, scope, startedAt);
      if (job === null) throw jobNotOpen((await this.jobs.get(scope, manager)).status);
      const { teamId } = job;
      const { organizationId } = await this.teams.admitWork(manager, principal, teamId, 'call');
      if (principal.role === 'team' && !(await this.keys.isUsable(manager, principal.keyId))) {
        throw unauthenticated();
      }
      const { kind, isStream, purpose, metadata } = options;
      const group = await this.modelGroups.resolveForTeam(
        manager,
        teamId,
        options.modelGroup,
        principal.role === 'admin',
      );
      const plan = this.gateway.plan(group.models);
      if (plan.kind === 'resting') throw modelsResting(plan.retryAfterMs);
      const { jobId } = scope;
      const call = await this.llmCalls.open(manager, {
        teamId,
        jobId,
        kind,
        isStream,
        modelGroup: group.groupName,
        modelName: plan.modelNames[0] ?? '',
        purpose,
        metadata,
      });
      return {
        ...call,
        teamId,
        jobId,
        startedAt,
        modelGroup: group.groupName,
        modelNames: plan.modelNames,
        mayRetryAmbiguous: job.mayRetryAmbiguous,
        credits: { held: job.creditsHeld, available },
        correlation: {
          traceId: jobId,
          endUserId: teamId,
          tags: [`org:${organizationId}`, `team:${teamId}`, `job_type:${job.jobType}`],
          metadata: { call_id: call.callId, job_id: jobId, team_id: teamId },
        },
      };
    });
  }

  /** @returns the job, created if the call is to have one of its own, and what is available after its hold */
  private async jobOf(
    manager: EntityManager,
    principal: Principal,
    target: CallTarget,
  ): Promise<{ scope: JobScope; available: number | null }> {
    if (target.kind === 'job') return { scope: scopeOf(principal, target.jobId), available: null };
    const { job, balance } = await this.jobs.createIn(manager, principal, target.job, { endsWithCall: true });
    return { scope: { jobId: job.jobId, teamId: job.teamId }, available: balance.available };
  }
}

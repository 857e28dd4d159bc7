/** Credits that one job costs. */
const CREDITS_PER_JOB = 1;

/** What the upstream of these scenarios reports for one answer. */
const TOKENS_PER_ANSWER = 10;
const COST_PER_ANSWER_USD = 0.000125;

export type JobStatus = 'pending' | 'in_progress' | 'completed' | 'failed' | 'cancelled';
export type EndStatus = 'completed' | 'failed' | 'cancelled';
export type CallOutcome = 'success' | 'failure' | 'rescue';

export interface ModelGrant {
  readonly grantId: string;
  readonly credits: number;
  remaining: number;
}

/** Credits that a job holds of one grant. */
export interface Draw {
  readonly grant: ModelGrant;
  readonly credits: number;
}

export interface ModelJob {
  readonly jobId: string;
  readonly jobType: string;
  readonly draws: readonly Draw[];
  status: JobStatus;
  successfulCalls: number;
  failedCalls: number;
  unpricedCalls: number;
  /** The bytes of the first answer that ended it. */
  endText: string | null;
}

export interface ModelTransaction {
  readonly transaction_type: 'allocation' | 'deduction';
  readonly credits_amount: number;
  readonly credits_before: number;
  readonly credits_after: number;
  readonly job_id: string | null;
  readonly reason: string | null;
}

/** What the service must say of one team, in plain arithmetic. It knows nothing of SQL, locks or HTTP. */
export class TeamModel {
  /** In the order in which they are drawn. */
  readonly grants: ModelGrant[] = [];
  readonly jobs: ModelJob[] = [];
  /** Oldest first. */
  readonly transactions: ModelTransaction[] = [];
  private consumed = 0;

  constructor(readonly teamId: string) {}

  get available(): number {
    return this.grants.reduce((sum, grant) => sum + grant.remaining, 0);
  }

  get held(): number {
    return this.openJobs.reduce((sum, job) => sum + creditsOf(job.draws), 0);
  }

  get remaining(): number {
    return this.available + this.held;
  }

  get openJobs(): readonly ModelJob[] {
    return this.jobs.filter(isOpen);
  }

  get balance(): object {
    const allocated = this.grants.reduce((sum, grant) => sum + grant.credits, 0);
    return {
      team_id: this.teamId,
      credits_allocated: allocated,
      credits_used: this.consumed,
      credits_remaining: this.remaining,
      credits_held: this.held,
      credits_available: this.available,
    };
  }

  addGrant(grantId: string, credits: number, reason: string | null): void {
    const before = this.remaining;
    this.grants.push({ grantId, credits, remaining: credits });
    this.transactions.push({
      transaction_type: 'allocation',
      credits_amount: credits,
      credits_before: before,
      credits_after: before + credits,
      job_id: null,
      reason,
    });
  }

  /** Takes a job's credits from the grants, the oldest first; null if there are too few. */
  draw(): Draw[] | null {
    if (this.available < CREDITS_PER_JOB) return null;
    const draws: Draw[] = [];
    let missing = CREDITS_PER_JOB;
    for (const grant of this.grants) {
      const credits = Math.min(missing, grant.remaining);
      if (credits === 0) continue;
      grant.remaining -= credits;
      draws.push({ grant, credits });
      missing -= credits;
    }
    return draws;
  }

  addJob(jobId: string, jobType: string, draws: readonly Draw[]): void {
    this.jobs.push({
      jobId,
      jobType,
      draws,
      status: 'pending',
      successfulCalls: 0,
      failedCalls: 0,
      unpricedCalls: 0,
      endText: null,
    });
  }

  addCall(job: ModelJob, outcome: CallOutcome): void {
    job.status = 'in_progress';
    if (outcome === 'failure') job.failedCalls += 1;
    else job.successfulCalls += 1;
    // The upstream reports no cost for a failure, so what it spent is unknown.
    if (outcome !== 'success') job.unpricedCalls += 1;
  }

  /** Ends an open job. @returns what the answer says of it, but for its latency */
  end(job: ModelJob, status: EndStatus): object {
    const totalCalls = job.successfulCalls + job.failedCalls;
    const hasOnlyFailed = totalCalls > 0 && job.successfulCalls === 0;
    const isCharged = status === 'completed' && !hasOnlyFailed;
    const credits = creditsOf(job.draws);
    const before = this.remaining;
    job.status = status;
    if (isCharged) {
      this.consumed += credits;
      this.transactions.push({
        transaction_type: 'deduction',
        credits_amount: credits,
        credits_before: before,
        credits_after: before - credits,
        job_id: job.jobId,
        reason: null,
      });
    } else {
      for (const { grant, credits: drawn } of job.draws) grant.remaining += drawn;
    }
    return {
      total_calls: totalCalls,
      successful_calls: job.successfulCalls,
      failed_calls: job.failedCalls,
      total_tokens: job.successfulCalls * TOKENS_PER_ANSWER,
      total_cost_usd: toCost(job.successfulCalls),
      unpriced_calls: job.unpricedCalls,
      credit_applied: isCharged,
      credits_charged: isCharged ? credits : 0,
      credits_remaining: this.remaining,
    };
  }
}

export function isOpen(job: ModelJob): boolean {
  return job.status === 'pending' || job.status === 'in_progress';
}

function creditsOf(draws: readonly Draw[]): number {
  return draws.reduce((sum, { credits }) => sum + credits, 0);
}

/** Rounded to the twelve decimals of the service: a product of binary fractions is not exact. */
function toCost(answers: number): number {
  return Number((answers * COST_PER_ANSWER_USD).toFixed(12));
}

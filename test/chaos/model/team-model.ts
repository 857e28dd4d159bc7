/** What the upstream of these scenarios reports for one answer. */
const TOKENS_PER_ANSWER = 10;
const MICRO_USD_PER_ANSWER = 125;

/** Of the teams that have it. */
export const FREE_ENDINGS = 1;

/** Rates with which one answer comes to 1.5 and to 2.5 credits, so that rounding matters. */
export const CREDITS_PER_DOLLAR = 12_000;
export const TOKENS_PER_CREDIT = 4;

/** Credits that a job of a type costs, or sets aside where consumption is paid. */
export const PRICES = { chat: 1, report: 4 } as const;

export type JobType = keyof typeof PRICES;
export type JobStatus = 'pending' | 'in_progress' | EndStatus | 'expired';
export type EndStatus = 'completed' | 'failed' | 'cancelled';
export type CallOutcome = 'success' | 'failure' | 'rescue';
export type ChargeRule = 'completed' | 'all_calls_failed' | FairOutcome;
export const FAIR_OUTCOMES = ['trusted', 'server_observed', 'allowance'] as const;
export type FairOutcome = (typeof FAIR_OUTCOMES)[number];

export const BUDGET_MODES = ['job_based', 'consumption_usd', 'consumption_tokens'] as const;
export type BudgetMode = (typeof BUDGET_MODES)[number];

/** What holds for a team. */
export interface TeamTerms {
  readonly budgetMode: BudgetMode;
  readonly fairOutcome: FairOutcome;
  readonly overdraftLimit: number;
}

export interface GrantTerms {
  readonly credits: number;
  readonly reason: string | null;
  /** Lower pays first. */
  readonly priority: number;
  /** Null for never. */
  readonly hoursLeft: number | null;
  /** Null for all. */
  readonly jobTypes: readonly JobType[] | null;
  /** Grants once, if there is one. */
  readonly reference: string | null;
}

export interface ModelGrant extends GrantTerms {
  readonly grantId: string;
  hoursLeft: number | null;
  remaining: number;
  expired: number;
}

/** Credits set aside for a job, and what became of them. */
export interface ModelHold {
  readonly job: ModelJob;
  readonly credits: number;
  status: 'held' | 'captured' | 'released';
  /** What it has of which grant. */
  readonly draws: Map<ModelGrant, number>;
  captured: number;
  refunded: number;
  /** Had without a grant that pays for it. */
  overdrawn: number;
  /** Due and not there. */
  shortfall: number;
}

export interface ModelJob {
  readonly jobId: string;
  readonly jobType: JobType;
  /** That of the team when the job was created. */
  readonly budgetMode: BudgetMode;
  status: JobStatus;
  successfulCalls: number;
  failedCalls: number;
  unpricedCalls: number;
  charged: number;
  shortfall: number;
  chargeRule: ChargeRule | null;
  /** The bytes of the first answer that ended it; null for one that has expired. */
  endText: string | null;
}

export interface ModelTransaction {
  readonly transaction_type: 'allocation' | 'deduction' | 'refund' | 'adjustment';
  readonly credits_amount: number;
  readonly credits_before: number;
  readonly credits_after: number;
  readonly job_id: string | null;
  readonly reason: string | null;
}

/** Why a job cannot have what it needs. */
export interface Refusal {
  readonly credits_required: number;
  readonly credits_available: number;
}

export interface Accounts {
  issued: number;
  available: number;
  held: number;
  consumed: number;
  expired: number;
}

/** What the service must say of one team, in plain arithmetic. It knows nothing of SQL, locks or HTTP. */
export class TeamModel {
  readonly grants: ModelGrant[] = [];
  readonly jobs: ModelJob[] = [];
  /** Oldest first. */
  readonly holds: ModelHold[] = [];
  /** Oldest first. */
  readonly transactions: ModelTransaction[] = [];
  readonly accounts: Accounts = { issued: 0, available: 0, held: 0, consumed: 0, expired: 0 };

  constructor(
    readonly teamId: string,
    private terms: TeamTerms,
  ) {}

  get remaining(): number {
    return this.accounts.available + this.accounts.held;
  }

  get overdrawn(): number {
    return this.holds.reduce((sum, hold) => sum + hold.overdrawn, 0);
  }

  get shortfall(): number {
    return this.holds.reduce((sum, hold) => sum + hold.shortfall, 0);
  }

  get openJobs(): readonly ModelJob[] {
    return this.jobs.filter(isOpen);
  }

  get balance(): object {
    return {
      team_id: this.teamId,
      credits_allocated: 0 - this.accounts.issued,
      credits_used: this.accounts.consumed,
      credits_remaining: this.remaining,
      credits_held: this.accounts.held,
      credits_available: this.accounts.available,
    };
  }

  addGrant(grantId: string, terms: GrantTerms): void {
    this.grants.push({ ...terms, grantId, remaining: terms.credits, expired: 0 });
    this.note('allocation', terms.credits, { reason: terms.reason });
    this.move('issued', 'available', terms.credits);
    this.settle();
  }

  /** Jobs that there are keep the mode of their budget; all else holds at once. */
  changeTerms(change: Partial<TeamTerms>): void {
    this.terms = { ...this.terms, ...change };
  }

  /** Grants run out; those that do are booked at once. */
  letTimePass(hours: number): void {
    for (const grant of this.grants) if (grant.hoursLeft !== null) grant.hoursLeft -= hours;
    if (this.grants.some((grant) => grant.remaining > 0 && hasRunOut(grant))) this.settle();
  }

  /** Why a job of a type cannot begin now; null if it can. */
  refusalOf(jobType: JobType): Refusal | null {
    const spendable = this.spendable(jobType);
    if (this.shortfall === 0 && spendable >= PRICES[jobType]) return null;
    return {
      credits_required: PRICES[jobType] + this.shortfall,
      credits_available: Math.max(0, spendable),
    };
  }

  /** A new job with what it holds, of the grants that pay first. Ask `refusalOf` before. */
  addJob(jobId: string, jobType: JobType): ModelHold {
    const job: ModelJob = {
      jobId,
      jobType,
      budgetMode: this.terms.budgetMode,
      status: 'pending',
      successfulCalls: 0,
      failedCalls: 0,
      unpricedCalls: 0,
      charged: 0,
      shortfall: 0,
      chargeRule: null,
      endText: null,
    };
    this.jobs.push(job);
    return this.hold(job);
  }

  addCall(job: ModelJob, outcome: CallOutcome): void {
    job.status = 'in_progress';
    if (outcome === 'failure') job.failedCalls += 1;
    else job.successfulCalls += 1;
    // The upstream reports no cost for a failure, so what it spent is unknown.
    if (outcome !== 'success') job.unpricedCalls += 1;
  }

  /** Ends an open job. @returns what the answer says of it, but for its latency */
  end(job: ModelJob, status: EndStatus | 'expired'): object {
    const hold = this.runningHoldOf(job);
    const { isCharged, rule } = status === 'completed' ? decideCompletion(job) : this.decideEnding(job);
    job.status = status;
    job.chargeRule = rule;
    if (isCharged) this.charge(job, hold);
    else this.release(hold);
    return this.costsOf(job);
  }

  /** Completes a job that has expired: with new credits, unless it was charged already or is free. */
  completeExpired(job: ModelJob): Refusal | object {
    const { isCharged, rule } = decideCompletion(job);
    if (job.charged === 0 && isCharged) {
      const refusal = this.refusalOf(job.jobType);
      if (refusal !== null) return refusal;
      this.charge(job, this.hold(job));
    }
    job.status = 'completed';
    job.chargeRule = rule;
    return this.costsOf(job);
  }

  /** What is left of a job's charge. */
  refundableOf(job: ModelJob): number {
    const hold = this.capturedHoldOf(job);
    return hold === undefined ? 0 : hold.captured - hold.refunded;
  }

  capturedHoldOf(job: ModelJob): ModelHold | undefined {
    return this.holds.find((hold) => hold.job === job && hold.status === 'captured');
  }

  /** @param credits null for all that is left, which forgives what was short as well */
  refund(hold: ModelHold, credits: number | null, reason: string | null): void {
    const amount = credits ?? hold.captured - hold.refunded;
    if (credits === null) hold.shortfall = 0;
    hold.refunded += amount;
    this.giveBack(hold, amount);
    this.note('refund', amount, { job: hold.job, reason });
    this.move('consumed', 'available', amount);
    this.settle();
  }

  /** Several grants that ran out at once did so in an order that only the service knows. */
  reorderAdjustments(amounts: readonly number[]): void {
    const last = this.transactions.findLastIndex(({ transaction_type: type }) => type === 'adjustment');
    const first = last - amounts.length + 1;
    let before = this.transactions[first]?.credits_before ?? 0;
    for (const [index, amount] of amounts.entries()) {
      const transaction = this.transactions[first + index];
      if (transaction?.transaction_type !== 'adjustment') throw new Error('The model knows fewer.');
      this.transactions[first + index] = {
        ...transaction,
        credits_amount: amount,
        credits_before: before,
        credits_after: before - amount,
      };
      before -= amount;
    }
  }

  private costsOf(job: ModelJob): object {
    return {
      total_calls: job.successfulCalls + job.failedCalls,
      successful_calls: job.successfulCalls,
      failed_calls: job.failedCalls,
      total_tokens: job.successfulCalls * TOKENS_PER_ANSWER,
      // One division of whole numbers, so that it is the number nearest to the exact one.
      total_cost_usd: (job.successfulCalls * MICRO_USD_PER_ANSWER) / 1_000_000,
      unpriced_calls: job.unpricedCalls,
      credit_applied: job.charged > 0,
      credits_charged: job.charged,
      credits_shortfall: job.shortfall,
      charge_rule: job.chargeRule,
      credits_remaining: this.remaining,
    };
  }

  private decideEnding(job: ModelJob): { isCharged: boolean; rule: ChargeRule } {
    const rule = this.terms.fairOutcome;
    switch (rule) {
      case 'trusted':
        return { isCharged: false, rule };
      case 'server_observed':
        return { isCharged: job.successfulCalls > 0 && job.failedCalls === 0, rule };
      case 'allowance':
        return {
          isCharged: job.successfulCalls > 0 && this.freeEndingsOf(job.jobType) >= FREE_ENDINGS,
          rule,
        };
    }
  }

  private freeEndingsOf(jobType: JobType): number {
    return this.jobs.filter(
      (job) =>
        job.jobType === jobType &&
        job.chargeRule === 'allowance' &&
        job.charged === 0 &&
        job.successfulCalls > 0,
    ).length;
  }

  private dueOf(job: ModelJob): number {
    const { successfulCalls } = job;
    switch (job.budgetMode) {
      case 'job_based':
        return PRICES[job.jobType];
      case 'consumption_usd':
        return Math.max(
          1,
          Math.ceil((successfulCalls * MICRO_USD_PER_ANSWER * CREDITS_PER_DOLLAR) / 1_000_000),
        );
      case 'consumption_tokens':
        return Math.max(1, Math.ceil((successfulCalls * TOKENS_PER_ANSWER) / TOKENS_PER_CREDIT));
    }
  }

  private runningHoldOf(job: ModelJob): ModelHold {
    const hold = this.holds.find((candidate) => candidate.job === job && candidate.status === 'held');
    if (hold === undefined) throw new Error(`Job ${job.jobId} holds nothing.`);
    return hold;
  }

  private hold(job: ModelJob): ModelHold {
    const credits = PRICES[job.jobType];
    const hold: ModelHold = {
      job,
      credits,
      status: 'held',
      draws: new Map(),
      captured: 0,
      refunded: 0,
      overdrawn: 0,
      shortfall: 0,
    };
    this.holds.push(hold);
    hold.overdrawn = credits - this.drawFromGrants(hold, credits);
    this.move('available', 'held', credits);
    return hold;
  }

  private charge(job: ModelJob, hold: ModelHold): void {
    const due = this.dueOf(job);
    const first = Math.min(due, hold.credits);
    hold.status = 'captured';
    hold.captured = first;
    this.note('deduction', first, { job });
    this.move('held', 'consumed', first);
    const missing = due - hold.credits;
    if (missing > 0) {
      this.settle();
      const there = Math.max(0, Math.min(missing, this.spendable(job.jobType)));
      hold.overdrawn += there - this.drawFromGrants(hold, there);
      hold.captured += there;
      hold.shortfall = missing - there;
      if (there > 0) {
        this.note('deduction', there, { job });
        this.move('available', 'consumed', there);
      }
    }
    if (missing < 0) {
      this.giveBack(hold, -missing);
      this.move('held', 'available', -missing);
      this.settle();
    }
    job.charged = hold.captured;
    job.shortfall = hold.shortfall;
  }

  private release(hold: ModelHold): void {
    hold.status = 'released';
    for (const [grant, credits] of hold.draws) grant.remaining += credits;
    hold.overdrawn = 0;
    this.move('held', 'available', hold.credits);
    this.settle();
  }

  /** What is due by itself: credits run out, then overdrafts are covered, then what was short is taken. */
  private settle(): void {
    for (const grant of this.grants) {
      if (grant.remaining === 0 || !hasRunOut(grant)) continue;
      const credits = grant.remaining;
      grant.expired += credits;
      grant.remaining = 0;
      this.note('adjustment', credits, { reason: 'Expired' });
      this.move('available', 'expired', credits);
    }
    for (const hold of this.holds) hold.overdrawn -= this.drawFromGrants(hold, hold.overdrawn);
    for (const hold of this.holds) {
      const credits = this.drawFromGrants(hold, hold.shortfall);
      if (credits === 0) continue;
      hold.shortfall -= credits;
      hold.captured += credits;
      this.note('deduction', credits, { job: hold.job });
      this.move('available', 'consumed', credits);
    }
  }

  /** What a job of a type could be paid with now. */
  spendable(jobType: JobType): number {
    const granted = this.payersOf(jobType).reduce((sum, grant) => sum + grant.remaining, 0);
    return granted + this.terms.overdraftLimit - this.overdrawn;
  }

  /** Those that may pay, in the order in which they do. */
  private payersOf(jobType: JobType): ModelGrant[] {
    return this.grants
      .filter(
        (grant) => grant.remaining > 0 && !hasRunOut(grant) && (grant.jobTypes?.includes(jobType) ?? true),
      )
      .sort((one, other) => this.compare(one, other));
  }

  /** By priority, then those that run out first, then the oldest. */
  private compare(one: ModelGrant, other: ModelGrant): number {
    if (one.priority !== other.priority) return one.priority - other.priority;
    const [left, right] = [one.hoursLeft ?? Infinity, other.hoursLeft ?? Infinity];
    if (left !== right) return left < right ? -1 : 1;
    return this.grants.indexOf(one) - this.grants.indexOf(other);
  }

  /** @returns how much there was */
  private drawFromGrants(hold: ModelHold, credits: number): number {
    let missing = credits;
    for (const grant of missing > 0 ? this.payersOf(hold.job.jobType) : []) {
      const part = Math.min(missing, grant.remaining);
      if (part === 0) break;
      grant.remaining -= part;
      hold.draws.set(grant, (hold.draws.get(grant) ?? 0) + part);
      missing -= part;
    }
    return credits - missing;
  }

  /** Takes credits away from a hold: those that nobody paid first, then those of the grants that paid last. */
  private giveBack(hold: ModelHold, credits: number): void {
    const unpaid = Math.min(credits, hold.overdrawn);
    hold.overdrawn -= unpaid;
    let left = credits - unpaid;
    for (const grant of [...hold.draws.keys()].sort((one, other) => this.compare(other, one))) {
      const drawn = hold.draws.get(grant) ?? 0;
      const part = Math.min(left, drawn);
      hold.draws.set(grant, drawn - part);
      grant.remaining += part;
      left -= part;
    }
  }

  /** Notes a change of what remains. Before it is made. */
  private note(
    type: ModelTransaction['transaction_type'],
    credits: number,
    { job, reason = null }: { readonly job?: ModelJob; readonly reason?: string | null },
  ): void {
    const sign = type === 'allocation' || type === 'refund' ? 1 : -1;
    this.transactions.push({
      transaction_type: type,
      credits_amount: credits,
      credits_before: this.remaining,
      credits_after: this.remaining + sign * credits,
      job_id: job?.jobId ?? null,
      reason,
    });
  }

  private move(from: keyof Accounts, to: keyof Accounts, credits: number): void {
    this.accounts[from] -= credits;
    this.accounts[to] += credits;
  }
}

export function isOpen(job: ModelJob): boolean {
  return job.status === 'pending' || job.status === 'in_progress';
}

export function isRefusal(outcome: Refusal | object): outcome is Refusal {
  return 'credits_required' in outcome;
}

function decideCompletion(job: ModelJob): { isCharged: boolean; rule: ChargeRule } {
  const hasOnlyFailed = job.failedCalls > 0 && job.successfulCalls === 0;
  return hasOnlyFailed
    ? { isCharged: false, rule: 'all_calls_failed' }
    : { isCharged: true, rule: 'completed' };
}

function hasRunOut(grant: ModelGrant): boolean {
  return grant.hoursLeft !== null && grant.hoursLeft <= 0;
}

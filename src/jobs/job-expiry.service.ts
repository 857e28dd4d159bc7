import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { PeriodicTask } from '../common/periodic-task.js';
import { Transactions } from '../database/transactions.js';
import { JobCompletionService } from './job-completion.service.js';
import { JobsRepository } from './jobs.repository.js';

const SWEEP_INTERVAL_MS = 15_000;
const BATCH_SIZE = 100;
/** When to look again at a job that would have expired, were it not for a call that is running. */
const RUNNING_CALL_DELAY_MS = 60_000;

/** Ends jobs that nobody has touched for their time to live, so that what they hold is not held for ever. */
@Injectable()
export class JobExpiryService implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(JobExpiryService.name);
  private readonly task = new PeriodicTask('The expiry of jobs', SWEEP_INTERVAL_MS, () => this.sweep());

  constructor(
    private readonly repository: JobsRepository,
    private readonly completion: JobCompletionService,
    private readonly transactions: Transactions,
    private readonly clock: Clock,
  ) {}

  onApplicationBootstrap(): void {
    this.task.start();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.task.stop();
  }

  /**
   * Ends every job that has expired. Safe on several replicas: each is ended by one of them, and by none if a
   * request ends it first.
   *
   * @returns how many jobs this process ended
   */
  async sweep(): Promise<number> {
    let ended = 0;
    for (;;) {
      const now = this.clock.now();
      const due = await this.repository.listDue(this.transactions.manager, now, BATCH_SIZE);
      const results = [];
      for (const job of due) results.push(await this.expire(job, now));
      ended += results.filter((result) => result === 'ended').length;
      // What could not be ended comes again at the next sweep; without this it would come for ever.
      if (due.length < BATCH_SIZE || results.every((result) => result === 'failed')) return ended;
    }
  }

  /** One job that cannot be ended must not keep the others waiting. */
  private async expire(
    job: { teamId: string; jobId: string },
    now: Date,
  ): Promise<'ended' | 'put_off' | 'failed'> {
    try {
      if ((await this.completion.expire(job, now)) !== null) return 'ended';
      await this.transactions.run((manager) =>
        this.repository.putOffExpiry(manager, job, now, RUNNING_CALL_DELAY_MS),
      );
      return 'put_off';
    } catch (error) {
      this.logger.error({ jobId: job.jobId, err: error }, 'A job could not be expired; it is tried again.');
      return 'failed';
    }
  }
}

import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { Transactions } from '../database/transactions.js';
import { LlmCallsService } from '../llm-calls/llm-calls.service.js';
import type { OverdueCall } from '../llm-calls/llm-calls.types.js';
import { JobsRepository } from './jobs.repository.js';

const SWEEP_INTERVAL_MS = 15_000;
const BATCH_SIZE = 100;

/** Ends the calls of processes that died, so that no job waits for them and no spend is forgotten. */
@Injectable()
export class CallSweepService implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(CallSweepService.name);
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> = Promise.resolve();

  constructor(
    private readonly repository: JobsRepository,
    private readonly llmCalls: LlmCallsService,
    private readonly transactions: Transactions,
    private readonly clock: Clock,
  ) {}

  onApplicationBootstrap(): void {
    const sweep = (): void => {
      this.running = this.running.then(async () => {
        try {
          await this.sweep();
        } catch (error) {
          this.logger.error({ err: error }, 'The sweep of interrupted calls failed; it is tried again.');
        }
      });
    };
    sweep();
    this.timer = setInterval(sweep, SWEEP_INTERVAL_MS);
  }

  async onApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    await this.running;
  }

  /**
   * Marks overdue calls interrupted until none is left. Safe on several replicas: each call is ended by
   * one of them.
   *
   * @returns how many calls this process ended
   */
  async sweep(): Promise<number> {
    let ended = 0;
    for (;;) {
      const calls = await this.llmCalls.listOverdue(BATCH_SIZE);
      for (const call of calls) {
        if (await this.interrupt(call)) ended += 1;
      }
      if (calls.length < BATCH_SIZE) break;
    }
    await this.llmCalls.forgetDeadProcesses();
    return ended;
  }

  private async interrupt(call: OverdueCall): Promise<boolean> {
    return this.transactions.run(async (manager) => {
      await this.repository.lock(manager, call);
      const totals = await this.llmCalls.interrupt(manager, call);
      if (totals === null) return false;
      await this.repository.addCall(manager, call, totals, this.clock.now());
      this.logger.warn(
        { callId: call.callId, jobId: call.jobId },
        'A call was interrupted; its cost is unknown.',
      );
      return true;
    });
  }
}

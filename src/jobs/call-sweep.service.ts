import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { PeriodicTask } from '../common/periodic-task.js';
import { LlmCallsService } from '../llm-calls/llm-calls.service.js';
import type { OverdueCall } from '../llm-calls/llm-calls.types.js';
import { CallRecordingService } from './call-recording.service.js';

const SWEEP_INTERVAL_MS = 15_000;
const BATCH_SIZE = 100;

/** Ends the calls of processes that died, so that no job waits for them and no spend is forgotten. */
@Injectable()
export class CallSweepService implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(CallSweepService.name);
  private readonly task = new PeriodicTask('The sweep of interrupted calls', SWEEP_INTERVAL_MS, () =>
    this.sweep(),
  );

  constructor(
    private readonly llmCalls: LlmCallsService,
    private readonly recording: CallRecordingService,
  ) {}

  onApplicationBootstrap(): void {
    this.task.start();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.task.stop();
  }

  /**
   * Marks overdue calls interrupted until none is left. Safe on several replicas: each call is ended by
   * one of them.
   *
   * @returns how many calls this process ended
   */
  async sweep(): Promise<number> {
    let ended = 0;
    const failed = new Set<string>();
    for (;;) {
      const calls = await this.llmCalls.listOverdue(BATCH_SIZE);
      for (const call of calls) {
        if (await this.interrupt(call)) ended += 1;
        else failed.add(call.callId);
      }
      // What could not be ended comes again at the next sweep; without this it would come for ever.
      if (calls.length < BATCH_SIZE || calls.every((call) => failed.has(call.callId))) break;
    }
    await this.llmCalls.forgetDeadProcesses();
    return ended;
  }

  /** One call that cannot be ended must not keep the others waiting. @returns whether this process ended it */
  private async interrupt(call: OverdueCall): Promise<boolean> {
    const { callId, jobId } = call;
    try {
      if (!(await this.recording.interrupt(call))) return false;
      this.logger.warn({ callId, jobId }, 'A call was interrupted; its cost is unknown.');
      return true;
    } catch (error) {
      this.logger.error({ callId, jobId, err: error }, 'A call could not be ended; it is tried again.');
      return false;
    }
  }
}

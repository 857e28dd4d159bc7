import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { PeriodicTask } from '../common/periodic-task.js';
import { RefillsService } from './refills.service.js';

const SWEEP_INTERVAL_MS = 15_000;
const BATCH_SIZE = 500;

/** Makes the refills that are due. */
@Injectable()
export class RefillSweepService implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(RefillSweepService.name);
  private readonly task = new PeriodicTask('The refilling of credits', SWEEP_INTERVAL_MS, () => this.sweep());

  constructor(private readonly refills: RefillsService) {}

  onApplicationBootstrap(): void {
    this.task.start();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.task.stop();
  }

  /** One refill at most of each team. Safe on several replicas. */
  async sweep(): Promise<void> {
    for (let after: string | null = ''; after !== null;) {
      const { due, next }: { due: string[]; next: string | null } = await this.refills.listDue(
        after,
        BATCH_SIZE,
      );
      for (const teamId of due) await this.tryRefill(teamId);
      after = next;
    }
  }

  /** One team that cannot be refilled must not keep the others waiting, nor whoever has configured it. */
  async tryRefill(teamId: string): Promise<void> {
    try {
      await this.refills.refill(teamId);
    } catch (error) {
      this.logger.error({ teamId, err: error }, 'A team could not be refilled; it is tried again.');
    }
  }
}

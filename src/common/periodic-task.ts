import { Logger } from '@nestjs/common';

/**
 * Work that is done again and again until it is stopped: at once when it is started, then at every interval,
 * never twice at a time. A failure is logged and does not end it.
 */
export class PeriodicTask {
  private readonly logger = new Logger(PeriodicTask.name);
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> = Promise.resolve();
  private isWaiting = false;

  /** @param name what failed, for the log */
  constructor(
    private readonly name: string,
    private readonly intervalMs: number,
    private readonly work: () => Promise<unknown>,
  ) {}

  start(): void {
    this.enqueue();
    this.timer = setInterval(() => {
      this.enqueue();
    }, this.intervalMs);
  }

  /** Waits for what is running. */
  async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.running;
  }

  private enqueue(): void {
    // Work that takes longer than the interval must not pile up.
    if (this.isWaiting) return;
    this.isWaiting = true;
    this.running = this.running.then(async () => {
      this.isWaiting = false;
      try {
        await this.work();
      } catch (error) {
        this.logger.error({ err: error }, `${this.name} failed; it is tried again.`);
      }
    });
  }
}

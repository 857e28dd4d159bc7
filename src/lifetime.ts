/** Stops something that was started. */
type Stop = () => Promise<void>;

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const EXIT_FORCED = 1;

/** A signal asked for the end while the process was still starting. */
export class EndRequested extends Error {}

/**
 * What this process has started, and how it ends. It listens for signals from the beginning: a signal
 * during the start stops what was started until then, and a second one ends the process at once.
 */
export class Lifetime {
  private readonly stops: Stop[] = [];
  private isEnding = false;
  private whenReady: { drain: Stop; exitCode: number } | null = null;

  constructor() {
    for (const signal of SIGNALS) {
      process.on(signal, () => {
        this.receive();
      });
    }
  }

  /** Notes something that was started. @throws EndRequested if a signal has come meanwhile */
  started(stop: Stop): void {
    this.stops.push(stop);
    this.refuseWhenEnding();
  }

  /**
   * From here on a signal runs `drain`, stops everything and ends the process.
   *
   * @throws EndRequested if a signal has come before
   */
  ready(drain: Stop, exitCode: number): void {
    this.refuseWhenEnding();
    this.whenReady = { drain, exitCode };
  }

  /**
   * Stops everything, the newest first; one that fails does not keep the others running.
   *
   * @throws the first failure, when all have been stopped
   */
  async stop(): Promise<void> {
    const failures: unknown[] = [];
    for (let stop = this.stops.pop(); stop !== undefined; stop = this.stops.pop()) {
      await stop().catch((error: unknown) => failures.push(error));
    }
    if (failures.length > 0) throw failures[0];
  }

  private refuseWhenEnding(): void {
    if (this.isEnding) throw new EndRequested('The start was broken off.');
  }

  private receive(): void {
    if (this.isEnding) process.exit(EXIT_FORCED);
    this.isEnding = true;
    if (this.whenReady !== null) void this.end(this.whenReady.drain, this.whenReady.exitCode);
  }

  private async end(drain: Stop, exitCode: number): Promise<void> {
    let code = exitCode;
    try {
      await drain();
      await this.stop();
    } catch (error) {
      process.stderr.write(`It could not end cleanly: ${String(error)}\n`);
      code = EXIT_FORCED;
    }
    process.exit(code);
  }
}

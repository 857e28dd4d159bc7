import type { AttemptFailure } from './gateway.types.js';
import type { ModelHealth } from './model-health.js';
import { mayPass, pauseBefore } from './walk-rules.js';

export interface PathOptions {
  readonly maxAttempts: number;
  readonly rounds: number;
}

export interface Step {
  readonly modelName: string;
  readonly pauseMs: number;
}

/** Which model comes next in one call: once through the list, and then through what is left of it again. */
export class WalkPath {
  private readonly lastFailures = new Map<string, AttemptFailure>();
  private queue: string[];
  private attempts = 1;
  private round = 1;

  /** @param modelNames of which the first is being tried */
  constructor(
    private readonly modelNames: readonly string[],
    private readonly options: PathOptions,
    private readonly health: ModelHealth,
  ) {
    this.queue = modelNames.slice(1);
  }

  /** Null if nothing more may be tried. */
  next(
    failed: { modelName: string; failure: AttemptFailure },
    now: number,
    random: () => number,
  ): Step | null {
    this.lastFailures.set(failed.modelName, failed.failure);
    if (this.attempts >= this.options.maxAttempts) return null;
    const step = this.stepInRound(now) ?? this.stepIntoNextRound(now, random);
    if (step !== null) this.attempts += 1;
    return step;
  }

  /** Models that have come to rest since the call was planned are passed over. */
  private stepInRound(now: number): Step | null {
    for (let modelName = this.queue.shift(); modelName !== undefined; modelName = this.queue.shift()) {
      if (this.health.waitMs(modelName, now) === 0) return { modelName, pauseMs: 0 };
    }
    return null;
  }

  private stepIntoNextRound(now: number, random: () => number): Step | null {
    if (this.round >= this.options.rounds) return null;
    this.round += 1;
    const pauseMs = pauseBefore(this.round, random);
    const candidates = this.modelNames
      .filter((modelName) => this.mayComeAgain(modelName, now))
      .map((modelName) => ({ modelName, waitMs: this.health.restMs(modelName, now) || pauseMs }));
    const shortestMs = Math.min(...candidates.map(({ waitMs }) => waitMs));
    const [first, ...others] = candidates.filter(({ waitMs }) => waitMs <= shortestMs);
    if (first === undefined) return null;
    this.queue = others.map(({ modelName }) => modelName);
    return { modelName: first.modelName, pauseMs: shortestMs };
  }

  private mayComeAgain(modelName: string, now: number): boolean {
    const failure = this.lastFailures.get(modelName);
    return failure !== undefined && mayPass(failure) && this.health.breakerMs(modelName, now) === 0;
  }
}

export interface BreakerOptions {
  /** Failures in a row after which it opens; 0 for never. */
  readonly failures: number;
  /** Of the first time; doubled each time that it opens again before a success. */
  readonly restMs: number;
  /** After which a probe of which nothing was heard is taken for abandoned. */
  readonly probeMs: number;
}

const MAX_REST_FACTOR = 8;

/**
 * What an attempt knows of the breaker it went through. Attempts that began before the breaker opened say
 * nothing about the model as it is now: their results are not counted.
 */
export type BreakerTicket = number;

/**
 * Keeps calls away from a model that has failed several times in a row. After a rest one attempt at a time is
 * let through as a probe: its success closes the breaker, its failure opens it for longer. Times are
 * milliseconds of whatever clock the caller has.
 */
export class CircuitBreaker {
  private failuresInARow = 0;
  /** Times that it has opened since the last success. */
  private openings = 0;
  private openUntil: number | null = null;
  private probeUntil: number | null = null;
  private generation: BreakerTicket = 0;

  constructor(private readonly options: BreakerOptions) {}

  /** How long nobody else may try; 0 if somebody may. */
  waitMs(now: number): number {
    if (this.openUntil === null) return 0;
    if (now < this.openUntil) return this.openUntil - now;
    if (this.probeUntil === null) return 0;
    // How long the probe takes is not known; mostly it is much less than it may.
    return Math.min(this.options.restMs, Math.max(0, this.probeUntil - now));
  }

  /** Keeps the probe for somebody who is about to begin, if one is due. */
  reserve(now: number, forMs: number): void {
    if (this.openUntil !== null) this.probeUntil = now + forMs;
  }

  begin(now: number): BreakerTicket {
    this.reserve(now, this.options.probeMs);
    return this.generation;
  }

  /** An answer has begun: a probe has told enough, but a row of failures ends with a whole answer only. */
  noteOpened(ticket: BreakerTicket): void {
    if (ticket === this.generation && this.openUntil !== null) this.close();
  }

  noteSuccess(ticket: BreakerTicket): void {
    if (ticket === this.generation) this.close();
  }

  noteFailure(ticket: BreakerTicket, now: number): void {
    if (ticket !== this.generation || this.options.failures === 0) return;
    this.failuresInARow += 1;
    if (this.openUntil !== null || this.failuresInARow >= this.options.failures) this.open(now);
  }

  /** Says nothing about the model; the next one may be the probe. */
  noteOther(ticket: BreakerTicket): void {
    if (ticket === this.generation) this.probeUntil = null;
  }

  private open(now: number): void {
    const factor = Math.min(2 ** this.openings, MAX_REST_FACTOR);
    this.openings += 1;
    this.generation += 1;
    this.failuresInARow = 0;
    this.openUntil = now + this.options.restMs * factor;
    this.probeUntil = null;
  }

  private close(): void {
    this.failuresInARow = 0;
    this.openings = 0;
    this.openUntil = null;
    this.probeUntil = null;
  }
}

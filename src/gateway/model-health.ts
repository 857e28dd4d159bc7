import { type BreakerOptions, CircuitBreaker, type BreakerTicket } from './circuit-breaker.js';
import type { AttemptFailure } from './gateway.types.js';

/** What a failure says of the model; the others are about the request, a key, a limit or the client. */
const SPEAKS_FOR_ILLNESS: Readonly<Record<AttemptFailure, boolean>> = {
  connection_failed: true,
  timeout: true,
  upstream_error: true,
  provider_key_refused: true,
  malformed_answer: true,
  stream_broken: true,
  rate_limited: false,
  unknown_model: false,
  context_window_exceeded: false,
  request_rejected: false,
  service_key_refused: false,
  client_disconnected: false,
};

interface Health {
  readonly breaker: CircuitBreaker;
  /** Until when the upstream has asked that the model be left alone. */
  restsUntil: number;
}

export interface HealthOptions extends BreakerOptions {
  /** Longest rest that an upstream may ask for. */
  readonly maxRestMs: number;
}

/** How the models have fared in this process. Times are milliseconds of one clock, that of the caller. */
export class ModelHealth {
  private readonly models = new Map<string, Health>();

  constructor(private readonly options: HealthOptions) {}

  /** How long a model must not be tried; 0 if it may be. */
  waitMs(modelName: string, now: number): number {
    return Math.max(this.restMs(modelName, now), this.breakerMs(modelName, now));
  }

  /** How long the upstream wants the model to be left alone. */
  restMs(modelName: string, now: number): number {
    return Math.max(0, (this.models.get(modelName)?.restsUntil ?? now) - now);
  }

  /** How long the model rests because it has failed. */
  breakerMs(modelName: string, now: number): number {
    return this.models.get(modelName)?.breaker.waitMs(now) ?? 0;
  }

  /** Keeps others from a probe that is about to begin. */
  reserve(modelName: string, now: number, forMs: number): void {
    this.models.get(modelName)?.breaker.reserve(now, forMs);
  }

  begin(modelName: string, now: number): BreakerTicket {
    return this.healthOf(modelName).breaker.begin(now);
  }

  noteOpened(modelName: string, ticket: BreakerTicket): void {
    this.healthOf(modelName).breaker.noteOpened(ticket);
  }

  /** @param failure null for success */
  noteEnd(modelName: string, ticket: BreakerTicket, failure: AttemptFailure | null, now: number): void {
    const { breaker } = this.healthOf(modelName);
    if (failure === null) breaker.noteSuccess(ticket);
    else if (SPEAKS_FOR_ILLNESS[failure]) breaker.noteFailure(ticket, now);
    else breaker.noteOther(ticket);
  }

  /** For an attempt that says nothing about the model, whatever came of it. */
  noteNothing(modelName: string, ticket: BreakerTicket): void {
    this.healthOf(modelName).breaker.noteOther(ticket);
  }

  /** Leaves a model alone as the upstream asks, within reason. */
  rest(modelName: string, retryAfterMs: number, now: number): void {
    const health = this.healthOf(modelName);
    const until = now + Math.min(retryAfterMs, this.options.maxRestMs);
    health.restsUntil = Math.max(health.restsUntil, until);
  }

  private healthOf(modelName: string): Health {
    const known = this.models.get(modelName);
    if (known !== undefined) return known;
    const health: Health = { breaker: new CircuitBreaker(this.options), restsUntil: -Infinity };
    this.models.set(modelName, health);
    return health;
  }
}

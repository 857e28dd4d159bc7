import type { Settings } from '../config/settings.js';
import type { ChunkSource, Pulled, SourceEnd } from './chunk-source.js';
import type { AttemptFailure, AttemptStatus, ChatChunk, Cost, Usage } from './gateway.types.js';
import { describeError } from './upstream-result.js';
import { estimateUsage } from './usage.js';

/** How an attempt ended that had begun to stream. */
export interface StreamedAttempt {
  readonly status: Extract<AttemptStatus, 'succeeded' | 'partial' | 'canceled'>;
  readonly failure: AttemptFailure | null;
  readonly upstreamStatus: number;
  readonly upstreamError: string | null;
  readonly usage: Usage;
  readonly cost: Cost;
  readonly firstByteMs: number;
}

interface StreamParts {
  readonly source: ChunkSource;
  /** What has been read already. */
  readonly first: readonly ChatChunk[];
  readonly upstreamStatus: number;
  readonly firstByteMs: number;
  /** For the guess where no usage is reported; counted only then. */
  promptCharacters(): number;
  /** Of `performance.now()`, when the request was sent. */
  readonly startedAt: number;
  readonly settings: Settings;
}

type Ending = Pick<StreamedAttempt, 'status' | 'failure' | 'upstreamError'>;

const END: IteratorResult<readonly ChatChunk[], undefined> = { done: true, value: undefined };

/**
 * Hands on a stream that has begun, at the pace of whoever asks. It ends when the upstream ends it, when it
 * is canceled or when one of its times is over, whether or not somebody is asking just then: a stream whose
 * reader is gone must not stay open.
 */
export class UpstreamStream implements AsyncIterableIterator<readonly ChatChunk[], undefined> {
  readonly outcome: Promise<StreamedAttempt>;
  private readonly settle: (outcome: StreamedAttempt) => void;
  private first: readonly ChatChunk[] | null;
  private isEnded = false;
  private isPulling = false;
  /** How long the reader has kept the stream waiting, and since when he does; of `performance.now()`. */
  private readerMs = 0;
  private readerSince = performance.now();
  private readonly idleTimer: NodeJS.Timeout;
  private readonly durationTimer: NodeJS.Timeout;

  constructor(private readonly parts: StreamParts) {
    const { promise, resolve } = Promise.withResolvers<StreamedAttempt>();
    this.outcome = promise;
    this.settle = resolve;
    this.first = parts.first;
    const { streamIdleTimeoutMs, streamMaxDurationMs } = parts.settings;
    // Neither keeps the process alive: the connection does, for as long as there is one.
    this.idleTimer = setTimeout(() => {
      // Time that a slow reader takes is no silence of the upstream.
      if (this.isPulling) this.end(this.endingOfSilence('No frame came in time.'));
    }, streamIdleTimeoutMs).unref();
    const elapsedMs = performance.now() - parts.startedAt;
    this.durationTimer = setTimeout(
      () => {
        this.end(this.endingOfDuration());
      },
      Math.max(1, streamMaxDurationMs - elapsedMs),
    ).unref();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<readonly ChatChunk[], undefined>> {
    if (this.isEnded) return END;
    if (this.first !== null) {
      const value = this.first;
      this.first = null;
      return { done: false, value };
    }
    const pulled = await this.pull();
    // Canceled or out of time meanwhile: what came too late is not handed on.
    if (this.hasEnded()) return END;
    if (pulled.kind === 'chunks') return { done: false, value: pulled.chunks };
    this.end(this.endingOf(pulled.end));
    return END;
  }

  /** A reader that stops reading wants no more. */
  return(): Promise<IteratorResult<readonly ChatChunk[], undefined>> {
    this.cancel();
    return Promise.resolve(END);
  }

  cancel(): void {
    this.end(LEFT);
  }

  private async pull(): Promise<Pulled> {
    this.isPulling = true;
    this.readerMs += performance.now() - this.readerSince;
    this.idleTimer.refresh();
    try {
      return await this.parts.source.pull(() => this.idleTimer.refresh());
    } finally {
      this.isPulling = false;
      this.readerSince = performance.now();
    }
  }

  private hasEnded(): boolean {
    return this.isEnded;
  }

  private end(ending: Ending): void {
    if (this.isEnded) return;
    this.isEnded = true;
    clearTimeout(this.idleTimer);
    clearTimeout(this.durationTimer);
    const { source, upstreamStatus, firstByteMs } = this.parts;
    source.close();
    const usage = source.usage ?? estimateUsage(this.parts.promptCharacters(), source.characterCount);
    this.settle({ ...ending, upstreamStatus, firstByteMs, usage, cost: source.cost });
  }

  private endingOf(end: SourceEnd): Ending {
    switch (end.kind) {
      case 'done':
        return SUCCEEDED;
      case 'cut':
        return this.endingWithoutLastFrame('stream_broken', 'The stream ended without its last frame.');
      case 'lost':
        return this.endingWithoutLastFrame('stream_broken', describeError(end.error));
      case 'malformed':
        return { status: 'partial', failure: 'malformed_answer', upstreamError: end.message };
      case 'error':
        return { status: 'partial', failure: 'stream_broken', upstreamError: end.message };
    }
  }

  private endingOfSilence(message: string): Ending {
    return this.endingWithoutLastFrame('timeout', message);
  }

  /**
   * A reader that has kept the stream waiting for longer than he may at once has spent its time himself. Counted
   * as broken off, the answer would be had for nothing by reading it slowly.
   */
  private endingOfDuration(): Ending {
    const waitingMs = this.isPulling ? 0 : performance.now() - this.readerSince;
    const isReadersFault = this.readerMs + waitingMs > this.parts.settings.streamStallTimeoutMs;
    if (isReadersFault && !this.parts.source.isComplete) return LEFT;
    return this.endingOfSilence('The stream took too long.');
  }

  /** Some upstreams leave the last frame out; an answer that has all its parts is whole without it. */
  private endingWithoutLastFrame(failure: AttemptFailure, upstreamError: string | null): Ending {
    return this.parts.source.isComplete ? SUCCEEDED : { status: 'partial', failure, upstreamError };
  }
}

const LEFT: Ending = { status: 'canceled', failure: 'client_disconnected', upstreamError: null };
const SUCCEEDED: Ending = { status: 'succeeded', failure: null, upstreamError: null };

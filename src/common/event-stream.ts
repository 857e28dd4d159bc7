import { once } from 'node:events';
import type { Response } from 'express';

export const EVENT_STREAM_TYPE = 'text/event-stream; charset=utf-8';

/** How a stream of events is kept alive and given up; milliseconds. */
export interface EventStreamPace {
  /** Between comments that tell proxies and clients that somebody is there. */
  readonly keepAliveMs: number;
  /** A client that has taken nothing for this long is taken for gone. */
  readonly stallTimeoutMs: number;
}

/**
 * What a handler returns to answer with server-sent events (WHATWG HTML, section 9.2). The frames are read to
 * their end whatever the client does, because their source does its book-keeping there.
 */
export class EventStream {
  /**
   * @param frames one frame or more at a time, as text; never throws, and ends soon after `leave`
   * @param leave tells the source that the client has gone; called once at most
   */
  constructor(
    readonly frames: AsyncIterable<string>,
    readonly leave: () => void,
  ) {}

  /**
   * The same stream, whose frames are shown to a listener on their way. `onEnd` follows the last one, and the
   * stream ends when it is done.
   */
  observed(listener: { onFrames(frames: string): void; onEnd(): Promise<void> }): EventStream {
    const { frames } = this;
    return new EventStream(
      (async function* () {
        try {
          for await (const text of frames) {
            listener.onFrames(text);
            yield text;
          }
        } finally {
          await listener.onEnd();
        }
      })(),
      this.leave,
    );
  }
}

/**
 * Writes a stream as it comes and no faster than its client reads. Comments keep an idle connection open.
 * Returns when the frames have ended, also for a client that has left.
 */
export async function writeEventStream(
  response: Response,
  stream: EventStream,
  pace: EventStreamPace,
): Promise<void> {
  const client = new StreamClient(response, stream, pace);
  response.set({
    'content-type': EVENT_STREAM_TYPE,
    'cache-control': 'no-cache, no-transform',
    // nginx would otherwise gather the frames.
    'x-accel-buffering': 'no',
  });
  response.flushHeaders();
  try {
    for await (const frames of stream.frames) await client.write(frames);
  } finally {
    client.end();
  }
}

/** The one who reads, as long as he does. */
class StreamClient {
  private hasLeft = false;
  private isIdle = true;
  private readonly gone = new AbortController();
  private readonly keepAlive: NodeJS.Timeout;

  constructor(
    private readonly response: Response,
    private readonly stream: EventStream,
    private readonly pace: EventStreamPace,
  ) {
    response.once('close', this.leave);
    // What is written to a connection that is just breaking is no fault of ours.
    response.on('error', this.leave);
    if (response.destroyed) this.leave();
    this.keepAlive = setInterval(() => {
      if (this.isIdle && !this.hasLeft && !response.writableNeedDrain) response.write(': keep-alive\n\n');
      this.isIdle = true;
    }, pace.keepAliveMs);
  }

  async write(frames: string): Promise<void> {
    if (this.hasLeft) return;
    this.isIdle = false;
    if (this.response.write(frames)) return;
    const stalled = setTimeout(() => this.response.destroy(), this.pace.stallTimeoutMs);
    try {
      await once(this.response, 'drain', { signal: this.gone.signal });
    } catch (error) {
      if (!this.gone.signal.aborted) throw error;
    } finally {
      clearTimeout(stalled);
    }
  }

  end(): void {
    clearInterval(this.keepAlive);
    this.response.off('close', this.leave);
    if (!this.hasLeft) this.response.end();
  }

  private readonly leave = (): void => {
    if (this.hasLeft) return;
    this.hasLeft = true;
    this.gone.abort();
    this.stream.leave();
  };
}

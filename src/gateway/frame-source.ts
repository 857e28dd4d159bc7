import type { Dispatcher } from 'undici';
import { errorCodeOf } from '../common/error-code.js';
import type { Settings } from '../config/settings.js';
import { ChunkReader } from './chat-chunk.js';
import type { ChunkSource, Pulled, SourceEnd } from './chunk-source.js';
import { costFromUsage, UNKNOWN_COST } from './cost.js';
import type { ChatChunk, Cost, Usage } from './gateway.types.js';
import { isObject, type JsonObject } from '../common/json-object.js';
import { parseJson } from './json-value.js';
import { FrameTooLargeError, SseReader } from './sse-reader.js';
import { readFrameError } from './upstream-error.js';
import { isTooLarge } from './upstream-result.js';
import { parseUsage } from './usage.js';

const LAST_FRAME = '[DONE]';
/** How long a connection whose stream has ended may take to end its answer, and so be of use again. */
const DRAIN_MS = 1_000;

/** Reads an event stream, one read of its body for each time that it is asked. */
export class FrameSource implements ChunkSource {
  private readonly body: AsyncIterator<Uint8Array>;
  private readonly sse: SseReader;
  private readonly reader = new ChunkReader();
  private end: SourceEnd | null = null;
  private byteCount = 0;
  private lastUsage: Usage | null = null;
  private lastCost: Cost = UNKNOWN_COST;

  constructor(
    response: Dispatcher.ResponseData,
    private readonly abort: AbortController,
    private readonly settings: Settings,
  ) {
    this.body = response.body[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
    this.sse = new SseReader(settings.upstreamMaxFrameBytes);
  }

  get isComplete(): boolean {
    return this.reader.isFinished && this.lastUsage !== null;
  }

  get usage(): Usage | null {
    return this.lastUsage;
  }

  get cost(): Cost {
    return this.lastCost;
  }

  get characterCount(): number {
    return this.reader.characterCount;
  }

  async pull(onFrame: () => void): Promise<Pulled> {
    while (this.end === null) {
      const frames = await this.nextFrames();
      if (frames.length > 0) onFrame();
      const chunks = this.readFrames(frames);
      if (chunks.length > 0) return { kind: 'chunks', chunks };
    }
    return { kind: 'end', end: this.end };
  }

  close(): void {
    if (this.end?.kind === 'done') void this.drain();
    else this.abort.abort();
  }

  /** Sets the end where there is one; frames that came before it are read all the same. */
  private async nextFrames(): Promise<readonly string[]> {
    try {
      const read = await this.body.next();
      if (read.done === true) return this.lastFrames();
      this.byteCount += read.value.byteLength;
      if (this.byteCount > this.settings.upstreamMaxAnswerBytes) throw new AnswerTooLargeError();
      return this.sse.feed(read.value);
    } catch (error) {
      this.end ??= endOf(error);
      return [];
    }
  }

  /** The last frame may lack its empty line. What is no whole frame was cut, and the end says so. */
  private lastFrames(): readonly string[] {
    const frames = this.sse.flush().filter((data) => data === LAST_FRAME || parseJson(data) !== undefined);
    // Read before the end is set: one of them may be the word that ends it well.
    const isDone = frames.includes(LAST_FRAME);
    if (!isDone) this.end = { kind: 'cut' };
    return frames;
  }

  private readFrames(frames: readonly string[]): ChatChunk[] {
    const chunks: ChatChunk[] = [];
    for (const data of frames) {
      const end = this.readFrame(data, chunks);
      if (end === null) continue;
      this.end = end;
      break;
    }
    return chunks;
  }

  private readFrame(data: string, chunks: ChatChunk[]): SourceEnd | null {
    if (data === LAST_FRAME) return { kind: 'done' };
    const frame = parseJson(data);
    if (!isObject(frame)) return { kind: 'malformed', message: 'A frame is no JSON object.' };
    try {
      return this.readObject(frame, chunks);
    } catch {
      // What is nested very deeply can be parsed, and exhausts the stack of whoever writes it again. Thrown
      // from here it would end the stream without a record.
      return { kind: 'malformed', message: 'A frame is nested too deeply.' };
    }
  }

  private readObject(frame: JsonObject, chunks: ChatChunk[]): SourceEnd | null {
    const { chunk, rawUsage } = this.reader.read(frame);
    if (rawUsage !== null) this.readUsage(rawUsage);
    const error = readFrameError(frame);
    if (error !== null) return { kind: 'error', ...error };
    if (chunk !== null) chunks.push(chunk);
    return null;
  }

  /** The last one wins; one of zeros, or without a cost, says nothing against an earlier one. */
  private readUsage(rawUsage: JsonObject): void {
    this.lastUsage = parseUsage(rawUsage) ?? this.lastUsage;
    const cost = costFromUsage(rawUsage);
    if (cost.source !== 'unpriced') this.lastCost = cost;
  }

  private async drain(): Promise<void> {
    const timer = setTimeout(() => {
      this.abort.abort();
    }, DRAIN_MS);
    try {
      while ((await this.body.next()).done !== true) {
        // What follows the last frame is of no interest.
      }
    } catch {
      // The connection is gone, which is as good.
    } finally {
      clearTimeout(timer);
    }
  }
}

class AnswerTooLargeError extends Error {
  constructor() {
    super('The answer is larger than is read.');
    this.name = 'AnswerTooLargeError';
  }
}

function endOf(error: unknown): SourceEnd {
  if (error instanceof FrameTooLargeError || error instanceof AnswerTooLargeError) {
    return { kind: 'malformed', message: error.message };
  }
  if (isTooLarge(errorCodeOf(error)))
    return { kind: 'malformed', message: 'The answer is larger than is read.' };
  return { kind: 'lost', error };
}

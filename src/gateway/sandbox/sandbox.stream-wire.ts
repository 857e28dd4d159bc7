import { once } from 'node:events';
import { type IncomingMessage, type ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { type FaultPlan } from './sandbox.faults.js';
import { DONE } from './sandbox.stream.js';

/** A stream that is ready to be written, frame by frame. */
export interface StreamAnswer {
  readonly headers: Readonly<Record<string, string>>;
  readonly payloads: Iterable<string>;
  readonly plan: FaultPlan;
}

/** Time for a client to take what was sent, since a connection's end can make it drop what it has not read. */
const BEFORE_END_MS = 50;

/** So that the parts of a split frame do not leave in one packet. */
const BETWEEN_PARTS_MS = 2;

const FIRST_BYTE_OF_CHARACTER = 0xc0;

/**
 * Writes a stream at the pace of its plan and of its client, and ends as the plan says.
 *
 * @param signal aborted when the client is gone
 * @param onFirstFrame called as soon as the first frame is on its way
 * @throws an AbortError when the client went away before the end
 */
export async function writeStream(
  request: IncomingMessage,
  response: ServerResponse,
  { headers, payloads, plan }: StreamAnswer,
  signal: AbortSignal,
  onFirstFrame: () => void,
): Promise<void> {
  response.writeHead(200, headers);
  const writer = new StreamWriter(response, signal);
  let isFirst = true;
  for (const payload of payloads) {
    if (!isFirst && payload !== DONE && plan.chunkDelayMs > 0) {
      await sleep(plan.chunkDelayMs, undefined, { signal });
    }
    const frame = frameOf(payload, plan, isFirst);
    if (plan.isSplit) await writer.writeSplit(frame);
    else await writer.write(frame);
    if (isFirst) onFirstFrame();
    isFirst = false;
  }
  await writer.flush();
  await end(request, response, plan, signal);
}

async function end(
  request: IncomingMessage,
  response: ServerResponse,
  { ending }: FaultPlan,
  signal: AbortSignal,
): Promise<void> {
  if (ending?.kind === 'hang-body') return;
  if (ending?.kind !== 'cut' && ending?.kind !== 'reset-mid') {
    response.end();
    return;
  }
  await sleep(BEFORE_END_MS, undefined, { signal });
  if (ending.kind === 'cut') response.destroy();
  else request.socket.resetAndDestroy();
}

function frameOf(payload: string, { hasPings, hasCrlf }: FaultPlan, isFirst: boolean): string {
  const ping = hasPings && !isFirst ? ': ping\n\n' : '';
  const frame = `${ping}data: ${payload}\n\n`;
  // JSON writes the line ends of its texts as escapes: all that are left belong to the frames.
  return hasCrlf ? frame.replaceAll('\n', '\r\n') : frame;
}

/** Writes no faster than the client reads. */
class StreamWriter {
  private flushed: Promise<undefined> = Promise.resolve(undefined);
  private carried: Buffer = Buffer.alloc(0);

  constructor(
    private readonly response: ServerResponse,
    private readonly signal: AbortSignal,
  ) {}

  async write(bytes: string | Buffer): Promise<void> {
    this.signal.throwIfAborted();
    const { promise, resolve } = Promise.withResolvers<undefined>();
    this.flushed = promise;
    const isTaken = this.response.write(bytes, () => {
      resolve(undefined);
    });
    if (!isTaken) await once(this.response, 'drain', { signal: this.signal });
  }

  /** Ends each write within a frame, and within a character where the frame has one of several bytes. */
  async writeSplit(frame: string): Promise<void> {
    const bytes = Buffer.from(frame);
    const character = bytes.findIndex((byte) => byte >= FIRST_BYTE_OF_CHARACTER);
    const cut = character === -1 ? Math.floor(bytes.byteLength / 2) : character + 1;
    await this.write(Buffer.concat([this.carried, bytes.subarray(0, cut)]));
    this.carried = bytes.subarray(cut);
    await sleep(BETWEEN_PARTS_MS, undefined, { signal: this.signal });
  }

  /** Waits until everything is with the operating system. */
  async flush(): Promise<void> {
    if (this.carried.byteLength > 0) await this.write(this.carried);
    await this.flushed;
    this.signal.throwIfAborted();
  }
}

import { type IncomingHttpHeaders } from 'node:http';
import { type Journal } from './sandbox.journal.js';

/** One request for a completion or embeddings, as it came in. */
export interface SandboxServed {
  /** Empty where the body names none. */
  readonly model: string;
  readonly path: string;
  readonly headers: Record<string, string>;
  /** The body as JSON; null where it could not be read. */
  readonly body: unknown;
  /** What was sent, even if the body broke off behind it. Null: hung, reset, or not answered so far. */
  status: number | null;
}

/** Sums of tokens. */
export interface ServedTokens {
  readonly promptTokens: number;
  readonly completionTokens: number;
}

/** What is billed for one answer. */
export interface BilledAnswer extends ServedTokens {
  /** Plain decimal text, exact. */
  readonly costUsd: string;
}

const MAX_SERVED = 1_000;

/** Bytes of request bodies that are kept in all: a thousand bodies of the largest size are 32 GiB. */
const MAX_SERVED_BYTES = 64 * 1024 * 1024;

const CALL_ID_HEADER = 'x-litellm-call-id';

const REDACTED = '[redacted]';
const CREDENTIALS = new Set(['authorization', 'proxy-authorization', 'api-key', 'x-api-key', 'cookie']);

/** What a sandbox was asked: the last requests, and how many there were. */
export class ServedRecord {
  /** Newest last. The array stays the same one for the life of the sandbox. */
  readonly served: SandboxServed[] = [];
  private readonly sizes: number[] = [];
  private bytes = 0;
  private total = 0;
  private readonly byModel = new Map<string, number>();
  private readonly byStatus = new Map<number, number>();
  private streams = 0;
  private promptTokens = 0;
  private completionTokens = 0;

  /** @param journal is told of everything as well, and forgets nothing */
  constructor(private readonly journal: Pick<Journal, 'write'> | null = null) {}

  /** @param bodyBytes the size of the body as it was sent */
  add(entry: SandboxServed, bodyBytes: number): void {
    const { model } = entry;
    this.journal?.write({ event: 'received', callId: callIdOf(entry), model });
    this.served.push(entry);
    this.sizes.push(bodyBytes);
    this.bytes += bodyBytes;
    this.total += 1;
    if (model !== '') this.byModel.set(model, this.count(model) + 1);
    while (this.served.length > MAX_SERVED || (this.served.length > 1 && this.bytes > MAX_SERVED_BYTES)) {
      this.served.shift();
      this.bytes -= this.sizes.shift() ?? 0;
    }
  }

  /** What an entry was answered with. */
  answered(entry: SandboxServed, status: number): void {
    entry.status = status;
    this.byStatus.set(status, (this.byStatus.get(status) ?? 0) + 1);
  }

  streamed(): void {
    this.streams += 1;
  }

  /** Adds what a provider bills for one answer. */
  billed(entry: SandboxServed, { promptTokens, completionTokens, costUsd }: BilledAnswer): void {
    const callId = callIdOf(entry);
    this.journal?.write({ event: 'billed', callId, promptTokens, completionTokens, costUsd });
    this.promptTokens += promptTokens;
    this.completionTokens += completionTokens;
  }

  tokens(): ServedTokens {
    return { promptTokens: this.promptTokens, completionTokens: this.completionTokens };
  }

  /** Answers that were sent as a stream, at least in part. */
  streamCount(): number {
    return this.streams;
  }

  /** Without requests that got no answer. */
  countsByStatus(): Record<string, number> {
    return Object.fromEntries(this.byStatus);
  }

  /** All requests, also those no longer kept; with a model, those that named it. */
  count(model?: string): number {
    return model === undefined ? this.total : (this.byModel.get(model) ?? 0);
  }

  countsByModel(): Record<string, number> {
    return Object.fromEntries(this.byModel);
  }

  clear(): void {
    this.served.length = 0;
    this.sizes.length = 0;
    this.bytes = 0;
    this.total = 0;
    this.byModel.clear();
    this.byStatus.clear();
    this.streams = 0;
    this.promptTokens = 0;
    this.completionTokens = 0;
  }
}

/** Empty where the request names none. */
function callIdOf({ headers }: SandboxServed): string {
  return headers[CALL_ID_HEADER] ?? '';
}

/** Headers as a test wants to see them, without what would let a reader of the record call somebody. */
export function recordedHeaders(headers: IncomingHttpHeaders): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      CREDENTIALS.has(name) ? REDACTED : Array.isArray(value) ? value.join(', ') : (value ?? ''),
    ]),
  );
}

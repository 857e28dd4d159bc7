import type { AnswerSchema } from '../chat/json-schema.js';
import type { DomainError } from '../common/domain-error.js';
import type { ChatAnswer, ChatChunk, ChatRequest, EmbeddingRequest } from '../gateway/gateway.types.js';
import type { CompletedJob } from './job-completion.service.js';
import type { NewJob } from './jobs.service.js';

/** Where a call goes: into an open job, or into one of its own that ends with it. */
export type CallTarget =
  { readonly kind: 'job'; readonly jobId: string } | { readonly kind: 'new'; readonly job: NewJob };

interface CallInput<Request> {
  /** Null for the team's default group. */
  readonly modelGroup: string | null;
  readonly purpose: string | null;
  readonly metadata: object;
  readonly request: Request;
}

export interface ChatInput extends CallInput<ChatRequest> {
  /** What the answer must match, if the client asked for that. */
  readonly schema: AnswerSchema | null;
}

export type EmbeddingInput = CallInput<EmbeddingRequest>;

/** Tokens of a call as its client sees them: of all its attempts. */
export interface CallUsage {
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly totalTokens: number;
  /** Part of the prompt. */
  readonly cachedTokens: number;
  /** Part of the completion. */
  readonly reasoningTokens: number;
}

/** What is known of a call from its beginning on. */
export interface BegunCall {
  readonly jobId: string;
  readonly callId: string;
  readonly startedAt: Date;
  /** The group's name, which stands for the model's. */
  readonly modelGroup: string;
  /** Credits as of the hold; `available` is null in a job that was there before the call. */
  readonly credits: { readonly held: number; readonly available: number | null };
}

/** A call that has succeeded. */
export interface MadeCall<Answer> extends BegunCall {
  readonly answer: Answer;
  readonly usage: CallUsage;
  readonly latencyMs: number;
  /** The end of its job, where that ended with it. */
  readonly completion: CompletedJob | null;
}

export interface MadeChat extends MadeCall<ChatAnswer> {
  /** The first choice's content as the schema's value; absent without a schema, or if it was missed. */
  readonly parsed?: unknown;
  /** Why the answer does not match the schema; null if it does or none was asked for. */
  readonly schemaMiss: string | null;
}

/** What happens in a stream, in order: chunks, then one of the other two. */
export type CallEvent =
  | { readonly kind: 'chunk'; readonly chunk: ChatChunk }
  /** All of it has come and is on record. */
  | {
      readonly kind: 'end';
      readonly usage: CallUsage;
      readonly schemaMiss: string | null;
      readonly completion: CompletedJob | null;
    }
  /** It broke off, or could not be recorded. */
  | { readonly kind: 'failed'; readonly error: DomainError };

/** A call whose first frame is there. */
export interface StreamedChat extends BegunCall {
  /** Must be read to its end, also when the client has gone: the end is what records the call. */
  readonly events: AsyncIterable<readonly CallEvent[]>;
  /** Tells that the client has gone. Reading goes on, and ends within a bound. */
  readonly leave: () => void;
}

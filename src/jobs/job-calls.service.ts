import { Injectable } from '@nestjs/common';
import type { Principal } from '../common/access.js';
import { DomainError } from '../common/domain-error.js';
import { toFault } from '../common/fault.js';
import { decodeCursor, type Page, type PageRequest, toPage } from '../common/pagination.js';
import { Transactions } from '../database/transactions.js';
import { GatewayService } from '../gateway/gateway.service.js';
import type { CallOutcome, EmbeddingAnswer, FailedCall, GatewayCall } from '../gateway/gateway.types.js';
import { LlmCallsService } from '../llm-calls/llm-calls.service.js';
import type { CallEnd, CallRecord, Messages } from '../llm-calls/llm-calls.types.js';
import { checkAnswer } from './answer-schema.js';
import { type AdmittedCall, CallAdmissionService, type CallOptions } from './call-admission.service.js';
import { callHeaders } from './call-headers.js';
import { CallRecordingService } from './call-recording.service.js';
import { usageOf } from './call-usage.js';
import { ChatStreamsService } from './chat-streams.service.js';
import type {
  CallTarget,
  ChatInput,
  EmbeddingInput,
  MadeCall,
  MadeChat,
  StreamedChat,
} from './job-calls.types.js';
import { callFailed, callNotRecorded } from './jobs.errors.js';
import { begunOf, sinceStart, type StartedCall } from './started-call.js';

/** The way of one call: admit, try, record, answer. */
@Injectable()
export class JobCallsService {
  constructor(
    private readonly admission: CallAdmissionService,
    private readonly llmCalls: LlmCallsService,
    private readonly gateway: GatewayService,
    private readonly recording: CallRecordingService,
    private readonly streams: ChatStreamsService,
    private readonly transactions: Transactions,
  ) {}

  /**
   * Makes one call. Its row is committed before anything leaves, and its end before the answer is given. Not
   * idempotent: asked twice, it spends twice.
   *
   * @throws DomainError whatever {@link CallAdmissionService.admit} throws, upstream_failed, upstream_timeout,
   * upstream_rejected_request, call_interrupted
   */
  async call(principal: Principal, target: CallTarget, input: ChatInput): Promise<MadeChat> {
    return this.make(principal, target, { ...input, kind: 'chat', isStream: false }, async (call) => {
      const outcome = await this.gateway.complete({ ...this.leaving(call), request: input.request });
      const answer = outcome.status === 'succeeded' ? outcome.answer : null;
      const { outcome: schemaOutcome, miss, ...parsed } = checkAnswer(input.schema, answer);
      const made = await this.record(call, outcome, schemaOutcome, { ...input, answer });
      return { ...made, ...parsed, schemaMiss: miss };
    });
  }

  /**
   * Makes one call whose answer is read while it comes. Until its first frame is there it fails as
   * {@link call} does; after that the stream tells how it ended, once that is on record.
   */
  async stream(principal: Principal, target: CallTarget, input: ChatInput): Promise<StreamedChat> {
    return this.make(principal, target, { ...input, kind: 'chat', isStream: true }, async (call) => {
      const start = await this.gateway.stream({ ...this.leaving(call), request: input.request });
      if (start.status === 'failed') throw await this.fail(call, start, { ...input, answer: null });
      return this.streams.follow(call, start.stream, input);
    });
  }

  /** Embeds texts, as a call like every other. @throws as {@link call} */
  async embed(
    principal: Principal,
    target: CallTarget,
    input: EmbeddingInput,
  ): Promise<MadeCall<EmbeddingAnswer>> {
    return this.make(principal, target, { ...input, kind: 'embedding', isStream: false }, async (call) => {
      const outcome = await this.gateway.embed({ ...this.leaving(call), request: input.request });
      return this.record(call, outcome, null, { request: input.request, answer: null });
    });
  }

  /** The calls of a job with their attempts, oldest first. @throws DomainError validation_failed */
  async list(
    job: { teamId: string; jobId: string },
    { cursor, limit }: PageRequest,
  ): Promise<Page<CallRecord>> {
    const after = cursor === null ? null : decodeCursor(cursor);
    const rows = await this.llmCalls.listOfJob(job, after, limit + 1);
    return toPage(rows, limit, (call) => call.callId);
  }

  private async make<Result>(
    principal: Principal,
    target: CallTarget,
    options: CallOptions,
    work: (call: StartedCall) => Promise<Result>,
  ): Promise<Result> {
    // Rolled back, it would leave no trace of what was sent, and repeated, it would be sent again.
    if (this.transactions.isRequest)
      throw new Error('A route that calls a model needs @LeavesForProvider().');
    const startedAtMs = performance.now();
    const admitted = await this.admission.admit(principal, target, options).catch((error: unknown) => {
      // Nothing has left, and only a DomainError can say so: after any other error a key is not released.
      throw toFault(error);
    });
    this.llmCalls.begin(admitted.callId);
    let goesOn = false;
    try {
      const result = await work({ ...admitted, startedAtMs });
      // A stream ends when it has been read.
      goesOn = options.isStream;
      return result;
    } catch (error) {
      const problem = error instanceof DomainError ? error : callNotRecorded(error);
      throw problem.withHeaders(callHeaders(admitted));
    } finally {
      if (!goesOn) this.llmCalls.finish(admitted.callId);
    }
  }

  private leaving(call: AdmittedCall): Omit<GatewayCall, 'request'> {
    const { teamId, callId, modelNames, firstAttemptId, correlation, mayRetryAmbiguous } = call;
    const recorder = this.llmCalls.createRecorder({ teamId, callId });
    return { modelNames, firstAttemptId, correlation, mayRetryAmbiguous, recorder };
  }

  /** No answer leaves before this has been committed. @throws DomainError for a call that has failed */
  private async record<Answer>(
    call: StartedCall,
    outcome: CallOutcome<Answer>,
    schemaOutcome: CallEnd['schemaOutcome'],
    messages: Messages,
  ): Promise<MadeCall<Answer>> {
    if (outcome.status === 'failed') throw await this.fail(call, outcome, messages);
    const { status, attempts, answer } = outcome;
    const latencyMs = sinceStart(call);
    const end = { status, failure: null, attempts, schemaOutcome, latencyMs };
    const { totals, completion } = await this.recording.record(call, end, messages);
    return { ...begunOf(call), answer, usage: usageOf(totals, attempts), latencyMs, completion };
  }

  private async fail(call: StartedCall, outcome: FailedCall, messages: Messages): Promise<DomainError> {
    const { status, failure, attempts } = outcome;
    const latencyMs = sinceStart(call);
    await this.recording.record(
      call,
      { status, failure, attempts, schemaOutcome: null, latencyMs },
      messages,
    );
    const hasLeft = attempts.some((attempt) => attempt.cost.source !== 'not_sent');
    return callFailed(failure, hasLeft);
  }
}

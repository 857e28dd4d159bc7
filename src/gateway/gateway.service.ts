import { Inject, Injectable, Logger, Optional } from '@nestjs/common';
import { SETTINGS } from '../config/config.module.js';
import type { Settings } from '../config/settings.js';
import { type Sending, type Sent, walk, type WalkContext } from './call-walk.js';
import type {
  AttemptStatus,
  CallOutcome,
  CallPlan,
  CandidateModel,
  EmbeddingAnswer,
  EmbeddingRequest,
  EndedAttempt,
  GatewayCall,
  OpenedStream,
  StreamOutcome,
  StreamStart,
} from './gateway.types.js';
import { LitellmClient } from './litellm.client.js';
import { ModelHealth } from './model-health.js';
import { planCall } from './model-order.js';
import { withoutQuotes } from './quotes.js';
import type { UpstreamRequest, UpstreamResult } from './upstream-result.js';
import type { UpstreamStream } from './upstream-stream.js';
import { SYSTEM_WALK_CLOCK, WALK_CLOCK, type WalkClock } from './walk-clock.js';

/** Time for a call that was planned to be admitted and sent. */
const RESERVATION_MS = 5_000;
/** Beyond an attempt's own time, before its probe is taken for abandoned. */
const PROBE_MARGIN_MS = 10_000;

/** Plans calls, tries the models of a call until one answers, and remembers how the models have fared. */
@Injectable()
export class GatewayService {
  private readonly logger = new Logger(GatewayService.name);
  private readonly context: WalkContext;

  constructor(
    private readonly client: LitellmClient,
    @Inject(SETTINGS) settings: Settings,
    @Optional() @Inject(WALK_CLOCK) clock: WalkClock = SYSTEM_WALK_CLOCK,
  ) {
    const health = new ModelHealth({
      failures: settings.breakerFailures,
      restMs: settings.breakerRestMs,
      probeMs: settings.attemptTimeoutMs + PROBE_MARGIN_MS,
      maxRestMs: settings.retryAfterMaxMs,
    });
    this.context = { settings, health, clock, abandoned: client.abandoned };
  }

  /**
   * The order in which the models of a call are tried. A model that is due for a probe is kept from other
   * calls for a few seconds if it comes first, so a plan is meant to be followed, and at once.
   */
  plan(models: readonly CandidateModel[]): CallPlan {
    const { health, clock } = this.context;
    const now = clock.now();
    const plan = planCall(
      models,
      (modelName) => health.waitMs(modelName, now),
      () => clock.random(),
    );
    const first = plan.kind === 'ready' ? plan.modelNames[0] : undefined;
    if (first !== undefined) health.reserve(first, now, RESERVATION_MS);
    return plan;
  }

  /**
   * Makes one call. Every attempt is ended when this returns; the caller records the last of them
   * together with the call. Errors of the upstream are an outcome, not an exception; what the recorder
   * throws goes through, and nothing leaves after it.
   */
  complete(call: GatewayCall): Promise<CallOutcome> {
    return this.callWhole(call, (request) => this.client.complete(request));
  }

  /** As {@link complete}. */
  embed(call: GatewayCall<EmbeddingRequest>): Promise<CallOutcome<EmbeddingAnswer>> {
    return this.callWhole(call, (request) => this.client.embed(request));
  }

  /** As {@link complete}, until the first piece of an answer is there; nothing is tried again after it. */
  async stream(call: GatewayCall): Promise<StreamStart> {
    const walked = await walk<OpenedAttempt>(this.context, call, async (sending) => {
      const opening = await this.client.stream(requestOf(call, sending));
      if (opening.status === 'opened') {
        this.context.health.noteOpened(sending.started.modelName, sending.ticket);
        return { status: 'answered', value: { sending, stream: opening.stream } };
      }
      return this.failedWith(call, sending, opening.result);
    });
    if (walked.status === 'failed') return walked;
    return { status: 'opened', stream: this.toOpenedStream(call, walked.value, walked.earlier) };
  }

  private async callWhole<Request, Answer>(
    call: GatewayCall<Request>,
    send: (request: UpstreamRequest<Request>) => Promise<UpstreamResult<Answer>>,
  ): Promise<CallOutcome<Answer>> {
    const walked = await walk<WholeAttempt<Answer>>(this.context, call, async (sending) => {
      const result = await send(requestOf(call, sending));
      if (result.answer === null) return this.failedWith(call, sending, result);
      const { started, ticket } = sending;
      this.context.health.noteEnd(started.modelName, ticket, null, this.context.clock.now());
      return {
        status: 'answered',
        value: { answer: result.answer, ended: this.ended(call, sending, result) },
      };
    });
    if (walked.status === 'failed') return walked;
    const { answer, ended } = walked.value;
    return { status: 'succeeded', answer, attempts: [...walked.earlier, ended] };
  }

  private toOpenedStream(
    call: GatewayCall,
    { sending, stream }: OpenedAttempt,
    earlier: readonly EndedAttempt[],
  ): OpenedStream {
    const outcome = stream.outcome.then((streamed): StreamOutcome => {
      const { health, clock } = this.context;
      const { started, ticket, sentAt } = sending;
      const now = clock.now();
      health.noteEnd(started.modelName, ticket, streamed.failure, now);
      const ended: EndedAttempt = {
        ...started,
        ...streamed,
        upstreamError: this.kept(call, streamed.upstreamError),
        latencyMs: Math.round(now - sentAt),
      };
      return { status: streamed.status, attempts: [...earlier, ended] };
    });
    return {
      chunks: stream,
      cancel: () => {
        stream.cancel();
      },
      outcome,
    };
  }

  private failedWith(
    call: GatewayCall<unknown>,
    sending: Sending,
    result: UpstreamResult<unknown>,
  ): Sent<never> {
    const ended = this.ended(call, sending, result);
    if (ended.failure === 'service_key_refused') {
      this.logger.error('The upstream refuses the service key: check LITELLM_API_KEY.');
    }
    if (ended.failure === 'provider_key_refused') {
      const { attemptId } = ended;
      this.logger.error({ attemptId }, 'A provider refuses the key that the upstream holds.');
    }
    return { status: 'failed', ended, retryAfterMs: result.retryAfterMs };
  }

  private ended(
    call: GatewayCall<unknown>,
    { started, sentAt }: Sending,
    result: UpstreamResult<unknown>,
  ): EndedAttempt {
    return {
      ...started,
      status: statusOf(result.failure),
      failure: result.failure,
      upstreamStatus: result.upstreamStatus,
      upstreamError: this.kept(call, result.upstreamError),
      usage: result.usage,
      cost: result.cost,
      firstByteMs: result.firstByteMs,
      latencyMs: Math.round(this.context.clock.now() - sentAt),
    };
  }

  /** What an upstream says may quote the prompt, which is kept only where the deployment keeps messages. */
  private kept({ request }: GatewayCall<unknown>, upstreamError: string | null): string | null {
    if (upstreamError === null || this.context.settings.mayStoreMessages) return upstreamError;
    return withoutQuotes(upstreamError, request);
  }
}

interface WholeAttempt<Answer> {
  readonly answer: Answer;
  readonly ended: EndedAttempt;
}

interface OpenedAttempt {
  readonly sending: Sending;
  readonly stream: UpstreamStream;
}

function requestOf<Request>(call: GatewayCall<Request>, sending: Sending): UpstreamRequest<Request> {
  const { attemptId, modelName } = sending.started;
  const { request, correlation } = call;
  return { attemptId, modelName, request, correlation, timeoutMs: sending.timeoutMs };
}

function statusOf(failure: EndedAttempt['failure']): AttemptStatus {
  if (failure === null) return 'succeeded';
  return failure === 'timeout' ? 'timed_out' : 'failed';
}

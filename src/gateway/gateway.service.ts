import { Inject, Injectable, Logger } from '@nestjs/common';
import { newId } from '../common/identifiers.js';
import { SETTINGS } from '../config/config.module.js';
import type { Settings } from '../config/settings.js';
import type {
  AttemptStatus,
  CallFailure,
  CallOutcome,
  EndedAttempt,
  GatewayCall,
  StartedAttempt,
} from './gateway.types.js';
import { LitellmClient, type UpstreamResult } from './litellm.client.js';
import { mayTryNextModel } from './upstream-error.js';

/** Tries the models of a group in order until one answers, the request is refused, or time is up. */
@Injectable()
export class GatewayService {
  private readonly logger = new Logger(GatewayService.name);

  constructor(
    private readonly client: LitellmClient,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  /**
   * Makes one call. Every attempt is ended when this returns; the caller records the last of them
   * together with the call. Errors of the upstream are an outcome, not an exception; what the recorder
   * throws goes through, and nothing leaves after it.
   */
  async complete(call: GatewayCall): Promise<CallOutcome> {
    const deadline = performance.now() + this.settings.callTimeoutMs;
    const attempts: EndedAttempt[] = [];
    let next: StartedAttempt | null = {
      attemptId: call.firstAttemptId,
      number: 1,
      modelName: modelAt(call, 1) ?? raiseNoModel(),
    };
    for (;;) {
      const { answer, attempt } = await this.attempt(call, next, deadline);
      attempts.push(attempt);
      if (answer !== null) return { status: 'succeeded', answer, attempts };
      next = this.following(call, attempt, deadline);
      if (next === null) return { status: 'failed', failure: failureOf(attempts), attempts };
      await call.recorder.attemptFollows(attempt, next);
    }
  }

  private async attempt(
    call: GatewayCall,
    started: StartedAttempt,
    deadline: number,
  ): Promise<{ answer: UpstreamResult['answer']; attempt: EndedAttempt }> {
    const startedAt = performance.now();
    const timeoutMs = Math.max(1, Math.min(this.settings.attemptTimeoutMs, Math.floor(deadline - startedAt)));
    const { answer, ...result } = await this.client.complete({
      ...started,
      request: call.request,
      correlation: call.correlation,
      timeoutMs,
    });
    const attempt: EndedAttempt = {
      ...started,
      ...result,
      status: statusOf(result.failure),
      firstByteMs: null,
      latencyMs: Math.round(performance.now() - startedAt),
    };
    if (result.failure === 'service_key_refused') {
      this.logger.error('The upstream refuses the service key: check LITELLM_API_KEY.');
    }
    if (result.failure === 'provider_key_refused') {
      this.logger.error(
        { attemptId: attempt.attemptId },
        'A provider refuses the key that the upstream holds.',
      );
    }
    return { answer, attempt };
  }

  private following(call: GatewayCall, ended: EndedAttempt, deadline: number): StartedAttempt | null {
    const modelName = modelAt(call, ended.number + 1);
    if (ended.failure === null || !mayTryNextModel(ended.failure)) return null;
    if (modelName === null || performance.now() >= deadline) return null;
    return { attemptId: newId(), number: ended.number + 1, modelName };
  }
}

function modelAt(call: GatewayCall, number: number): string | null {
  return call.modelNames[number - 1] ?? null;
}

function raiseNoModel(): never {
  throw new Error('A model group without models was called.');
}

function statusOf(failure: EndedAttempt['failure']): AttemptStatus {
  if (failure === null) return 'succeeded';
  return failure === 'timeout' ? 'timed_out' : 'failed';
}

/** What the client is told: a refusal of the request itself, a timeout if all timed out, else a failure. */
function failureOf(attempts: readonly EndedAttempt[]): CallFailure {
  const last = attempts.at(-1);
  if (last?.failure === 'request_rejected') return 'upstream_rejected_request';
  if (attempts.every((attempt) => attempt.failure === 'context_window_exceeded')) {
    return 'upstream_rejected_request';
  }
  return attempts.every((attempt) => attempt.failure === 'timeout') ? 'upstream_timeout' : 'upstream_failed';
}

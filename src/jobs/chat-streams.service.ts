import { Inject, Injectable, Logger } from '@nestjs/common';
import { DomainError } from '../common/domain-error.js';
import { SETTINGS } from '../config/config.module.js';
import type { Settings } from '../config/settings.js';
import type { OpenedStream, StreamOutcome } from '../gateway/gateway.types.js';
import { LlmCallsService } from '../llm-calls/llm-calls.service.js';
import type { CallEnd } from '../llm-calls/llm-calls.types.js';
import { AnswerAssembler } from './answer-assembler.js';
import { checkAnswer } from './answer-schema.js';
import { CallRecordingService } from './call-recording.service.js';
import { usageOf } from './call-usage.js';
import { type Patience, whenDatabaseIsThere } from './database-patience.js';
import type { CallEvent, ChatInput, StreamedChat } from './job-calls.types.js';
import { callNotRecorded, streamBroken } from './jobs.errors.js';
import { begunOf, sinceStart, type StartedCall } from './started-call.js';

/** Longer than a rush of requests, or the restart of a database. */
const RECORDING_PATIENCE: Patience = { maxMs: 60_000, pauseMs: 250 };

/** Follows streams from their first frame until they are on record, whether their clients stay or not. */
@Injectable()
export class ChatStreamsService {
  private readonly logger = new Logger(ChatStreamsService.name);

  constructor(
    private readonly llmCalls: LlmCallsService,
    private readonly recording: CallRecordingService,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  /** The call is finished when the events have been read to their end. */
  follow(call: StartedCall, stream: OpenedStream, input: ChatInput): StreamedChat {
    const client = new StreamClient(stream, this.settings);
    return {
      ...begunOf(call),
      events: this.events(call, stream, input, client),
      leave: () => {
        client.leave();
      },
    };
  }

  private async *events(
    call: StartedCall,
    stream: OpenedStream,
    input: ChatInput,
    client: StreamClient,
  ): AsyncGenerator<readonly CallEvent[]> {
    // Only who needs the whole answer pays for keeping it.
    const keepsAnswer = input.schema !== null || this.llmCalls.storesMessages;
    const assembler = keepsAnswer ? new AnswerAssembler() : null;
    try {
      for await (const chunks of stream.chunks) {
        assembler?.add(chunks);
        yield chunks.map((chunk) => ({ kind: 'chunk', chunk }));
      }
      yield [await this.end(call, await stream.outcome, input, assembler, client.hasLeft)];
    } finally {
      client.forget();
      // Where the events were not read to their end, nobody else will stop it.
      stream.cancel();
      this.llmCalls.finish(call.callId);
    }
  }

  /** Nothing is thrown here: what the status was has gone out, so the stream itself must tell. */
  private async end(
    call: StartedCall,
    outcome: StreamOutcome,
    input: ChatInput,
    assembler: AnswerAssembler | null,
    hasLeft: boolean,
  ): Promise<CallEvent> {
    try {
      const answer = assembler?.answer ?? null;
      const status = statusOf(outcome, hasLeft);
      const isWhole = outcome.status === 'succeeded';
      const schema = checkAnswer(input.schema, isWhole ? answer : null);
      const end: CallEnd = {
        status,
        failure: status === 'partial' ? 'upstream_stream_broken' : null,
        attempts: outcome.attempts,
        schemaOutcome: schema.outcome,
        latencyMs: sinceStart(call),
      };
      // The answer has gone out already: whoever keeps all connections busy just then would have it for nothing.
      const { totals, completion } = await whenDatabaseIsThere(RECORDING_PATIENCE, () =>
        this.recording.record(call, end, { ...input, answer }),
      );
      if (!isWhole) return { kind: 'failed', error: streamBroken() };
      return { kind: 'end', usage: usageOf(totals, outcome.attempts), schemaMiss: schema.miss, completion };
    } catch (error) {
      if (error instanceof DomainError) return { kind: 'failed', error };
      // The stack alone, as for every other fault: a failed statement carries its parameters.
      const stack = error instanceof Error ? error.stack : undefined;
      this.logger.error({ callId: call.callId, stack }, 'The end of a stream could not be recorded.');
      return { kind: 'failed', error: callNotRecorded(error) };
    }
  }
}

/** Whether somebody still reads, and what is done if not. */
class StreamClient {
  hasLeft = false;
  private deadline: NodeJS.Timeout | undefined;

  constructor(
    private readonly stream: OpenedStream,
    private readonly settings: Settings,
  ) {}

  leave(): void {
    this.hasLeft = true;
    if (this.settings.disconnectPolicy === 'cancel') this.stream.cancel();
    else
      this.deadline = setTimeout(() => {
        this.stream.cancel();
      }, this.settings.disconnectDrainMs);
  }

  forget(): void {
    clearTimeout(this.deadline);
  }
}

/** A stream is canceled when its client has left, or has read so slowly that its time was over. */
function statusOf(
  { status }: StreamOutcome,
  hasLeft: boolean,
): 'succeeded' | 'partial' | 'client_disconnected' {
  switch (status) {
    case 'succeeded':
      return hasLeft ? 'client_disconnected' : 'succeeded';
    case 'canceled':
      return 'client_disconnected';
    case 'partial':
      return 'partial';
  }
}

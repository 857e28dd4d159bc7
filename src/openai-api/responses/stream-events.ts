import type { DomainError } from '../../common/domain-error.js';
import type { ChunkChoice, ToolCallDelta } from '../../gateway/gateway.types.js';
import type { CallUsage } from '../../jobs/job-calls.types.js';
import type { OutputItem, ResponsesResponse } from '../dto/responses.response.js';
import { endOf, endResponse } from './answer.js';
import { FunctionCallWriter, MessageWriter, type StreamEvent } from './stream-items.js';

/** What a failed response says; the codes of OpenAI's list are the only ones that its typed clients read. */
const FAILED_CODE = 'server_error';

/**
 * Turns the chunks of a chat answer into the events of the responses API. An item begins with its first
 * piece; all end together, since pieces of several may come in turn.
 */
export class ResponseEvents {
  private sequence = 0;
  private message: MessageWriter | null = null;
  private readonly calls = new Map<number, FunctionCallWriter>();
  private readonly items: (MessageWriter | FunctionCallWriter)[] = [];
  private finishReason: string | null = null;

  /**
   * @param callId ours
   * @param begun the response as it begins
   */
  constructor(
    private readonly callId: string,
    private readonly begun: ResponsesResponse,
  ) {}

  begin(): string {
    return this.write([
      { type: 'response.created', response: this.begun },
      { type: 'response.in_progress', response: this.begun },
    ]);
  }

  /** One answer is asked for, so there is one choice. */
  add(choice: ChunkChoice): string {
    const { content, refusal, tool_calls: toolCalls = [] } = choice.delta;
    this.finishReason = choice.finish_reason ?? this.finishReason;
    return this.write([
      ...(content ? this.openMessage((message) => message.addText(content)) : []),
      ...(refusal ? this.openMessage((message) => message.addRefusal(refusal)) : []),
      ...toolCalls.flatMap((delta) => this.addToolCall(delta)),
    ]);
  }

  end(usage: CallUsage): string {
    const end = endOf(this.finishReason);
    const closing = this.items.flatMap((item) => item.close(end.status));
    const response = endResponse(this.begun, end, this.output(end.status), usage);
    return this.write([...closing, { type: `response.${end.status}`, response }]);
  }

  fail(error: DomainError): string {
    const response: ResponsesResponse = {
      ...this.begun,
      status: 'failed',
      error: { code: FAILED_CODE, message: error.message },
      output: this.output('incomplete'),
    };
    return this.write([{ type: 'response.failed', response }]);
  }

  private output(status: 'completed' | 'incomplete'): OutputItem[] {
    return this.items.map((item) => item.toItem(status));
  }

  private openMessage(add: (message: MessageWriter) => StreamEvent[]): StreamEvent[] {
    if (this.message !== null) return add(this.message);
    this.message = new MessageWriter(this.callId, this.items.length);
    this.items.push(this.message);
    return [...this.message.open(), ...add(this.message)];
  }

  private addToolCall(delta: ToolCallDelta): StreamEvent[] {
    const known = this.calls.get(delta.index);
    if (known !== undefined) return known.add(delta);
    const call = new FunctionCallWriter(this.callId, this.items.length, this.calls.size, delta);
    this.calls.set(delta.index, call);
    this.items.push(call);
    return [...call.open(), ...call.add(delta)];
  }

  private write(events: readonly StreamEvent[]): string {
    return events
      .map((event) => {
        const data = JSON.stringify({ ...event, sequence_number: this.sequence++ });
        return `event: ${event.type}\ndata: ${data}\n\n`;
      })
      .join('');
  }
}

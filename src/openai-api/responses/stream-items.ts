import type { ToolCallDelta } from '../../gateway/gateway.types.js';
import type { ContentPart, FunctionCallItem, MessageItem } from '../dto/responses.response.js';
import { functionCallItemId, messageItemId } from '../ids.js';
import { functionCallItem, type ItemStatus, messageItem, refusalPart, textPart } from './answer.js';

/** One event of a streamed response, less its number. */
export interface StreamEvent {
  readonly type: string;
  readonly [field: string]: unknown;
}

/** A part of the message while it comes. */
interface OpenPart {
  readonly kind: 'output_text' | 'refusal';
  readonly index: number;
  text: string;
}

/** The message of a streamed response: text, a refusal, or first one and then the other. */
export class MessageWriter {
  private readonly parts: OpenPart[] = [];

  constructor(
    private readonly callId: string,
    private readonly outputIndex: number,
  ) {}

  open(): StreamEvent[] {
    const item = messageItem(this.callId, [], 'in_progress');
    return [{ type: 'response.output_item.added', output_index: this.outputIndex, item }];
  }

  addText(delta: string): StreamEvent[] {
    return this.add('output_text', delta);
  }

  addRefusal(delta: string): StreamEvent[] {
    return this.add('refusal', delta);
  }

  close(status: ItemStatus): StreamEvent[] {
    return [
      ...this.parts.flatMap((part) => [
        part.kind === 'output_text'
          ? { type: 'response.output_text.done', ...this.placeOf(part), text: part.text, logprobs: [] }
          : { type: 'response.refusal.done', ...this.placeOf(part), refusal: part.text },
        { type: 'response.content_part.done', ...this.placeOf(part), part: toPart(part) },
      ]),
      { type: 'response.output_item.done', output_index: this.outputIndex, item: this.toItem(status) },
    ];
  }

  toItem(status: ItemStatus): MessageItem {
    return messageItem(this.callId, this.parts.map(toPart), status);
  }

  private add(kind: OpenPart['kind'], delta: string): StreamEvent[] {
    let part = this.parts.find((one) => one.kind === kind);
    const events: StreamEvent[] = [];
    if (part === undefined) {
      part = { kind, index: this.parts.length, text: '' };
      this.parts.push(part);
      events.push({ type: 'response.content_part.added', ...this.placeOf(part), part: toPart(part) });
    }
    part.text += delta;
    events.push(
      kind === 'output_text'
        ? { type: 'response.output_text.delta', ...this.placeOf(part), delta, logprobs: [] }
        : { type: 'response.refusal.delta', ...this.placeOf(part), delta },
    );
    return events;
  }

  private placeOf({ index }: OpenPart): object {
    return { item_id: messageItemId(this.callId), output_index: this.outputIndex, content_index: index };
  }
}

function toPart({ kind, text }: OpenPart): ContentPart {
  return kind === 'output_text' ? textPart(text) : refusalPart(text);
}

/** The call of a function in a streamed response. */
export class FunctionCallWriter {
  private readonly id: string;
  private readonly name: string;
  private arguments = '';

  /** @param first the piece that began it, which has id and name */
  constructor(
    private readonly callId: string,
    private readonly outputIndex: number,
    private readonly index: number,
    first: ToolCallDelta,
  ) {
    this.id = first.id ?? '';
    this.name = first.function.name ?? '';
  }

  open(): StreamEvent[] {
    const item = this.toItem('in_progress');
    return [{ type: 'response.output_item.added', output_index: this.outputIndex, item }];
  }

  add(piece: ToolCallDelta): StreamEvent[] {
    const delta = piece.function.arguments ?? '';
    if (delta === '') return [];
    this.arguments += delta;
    return [{ type: 'response.function_call_arguments.delta', ...this.place(), delta }];
  }

  close(status: ItemStatus): StreamEvent[] {
    const { name, arguments: whole } = this;
    return [
      { type: 'response.function_call_arguments.done', ...this.place(), name, arguments: whole },
      { type: 'response.output_item.done', output_index: this.outputIndex, item: this.toItem(status) },
    ];
  }

  toItem(status: ItemStatus): FunctionCallItem {
    const call = { id: this.id, name: this.name, arguments: this.arguments };
    return functionCallItem(this.callId, this.index, call, status);
  }

  private place(): object {
    return { item_id: functionCallItemId(this.callId, this.index), output_index: this.outputIndex };
  }
}

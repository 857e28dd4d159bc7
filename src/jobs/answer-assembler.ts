import type {
  ChatAnswer,
  ChatChoice,
  ChatChunk,
  ChunkChoice,
  ToolCallDelta,
} from '../gateway/gateway.types.js';

interface ToolCallParts {
  id: string;
  name: string;
  readonly arguments: string[];
}

interface ChoiceParts {
  readonly content: string[];
  readonly refusal: string[];
  readonly reasoning: string[];
  readonly toolCalls: Map<number, ToolCallParts>;
  finishReason: string | null;
}

/** Puts the pieces of a stream together, for whoever needs the whole answer: a schema, or the messages kept. */
export class AnswerAssembler {
  private readonly choices = new Map<number, ChoiceParts>();

  add(chunks: readonly ChatChunk[]): void {
    for (const { choices } of chunks) for (const choice of choices) this.addChoice(choice);
  }

  /** What has come so far; null if nothing has. */
  get answer(): ChatAnswer | null {
    const choices = [...this.choices].sort(([first], [second]) => first - second);
    return choices.length === 0 ? null : { choices: choices.map(([index, parts]) => toChoice(index, parts)) };
  }

  private addChoice({ index, delta, finish_reason }: ChunkChoice): void {
    const parts = this.partsOf(index);
    if (delta.content !== undefined) parts.content.push(delta.content);
    if (delta.refusal !== undefined) parts.refusal.push(delta.refusal);
    if (delta.reasoning_content !== undefined) parts.reasoning.push(delta.reasoning_content);
    for (const toolCall of delta.tool_calls ?? []) addToolCall(parts.toolCalls, toolCall);
    parts.finishReason = finish_reason ?? parts.finishReason;
  }

  private partsOf(index: number): ChoiceParts {
    const known = this.choices.get(index);
    if (known !== undefined) return known;
    const parts: ChoiceParts = {
      content: [],
      refusal: [],
      reasoning: [],
      toolCalls: new Map(),
      finishReason: null,
    };
    this.choices.set(index, parts);
    return parts;
  }
}

function addToolCall(toolCalls: Map<number, ToolCallParts>, delta: ToolCallDelta): void {
  const parts = toolCalls.get(delta.index) ?? { id: '', name: '', arguments: [] };
  toolCalls.set(delta.index, parts);
  parts.id = delta.id ?? parts.id;
  parts.name += delta.function.name ?? '';
  if (delta.function.arguments !== undefined) parts.arguments.push(delta.function.arguments);
}

function toChoice(index: number, parts: ChoiceParts): ChatChoice {
  const toolCalls = [...parts.toolCalls].sort(([first], [second]) => first - second);
  return {
    index,
    message: {
      role: 'assistant',
      content: parts.content.length === 0 ? null : parts.content.join(''),
      ...(parts.refusal.length > 0 && { refusal: parts.refusal.join('') }),
      ...(parts.reasoning.length > 0 && { reasoning_content: parts.reasoning.join('') }),
      ...(toolCalls.length > 0 && {
        tool_calls: toolCalls.map(([, toolCall]) => ({
          id: toolCall.id,
          type: 'function' as const,
          function: { name: toolCall.name, arguments: toolCall.arguments.join('') },
        })),
      }),
    },
    finish_reason: parts.finishReason,
  };
}

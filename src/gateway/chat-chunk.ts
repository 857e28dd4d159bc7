import { toFinishReason, toLogprobs, toReasoning, toText } from './answer-parts.js';
import { countAnswerCharacters } from './chat-completion.js';
import type { ChatAnswer, ChatChunk, ChunkChoice, ToolCallDelta } from './gateway.types.js';
import { isObject, type JsonObject } from '../common/json-object.js';
import { ToolCallDeltas } from './tool-call-deltas.js';

/** One frame of an upstream as far as it is read. */
export interface ParsedFrame {
  /** Null if the frame says nothing that a client would read. */
  readonly chunk: ChatChunk | null;
  /** As it came; null if the frame has none. */
  readonly rawUsage: JsonObject | null;
}

/**
 * Reads the frames of one stream. Nothing passes but what is named here. It keeps which answers have begun
 * and ended and the ids of calls of tools, and nothing of what was said but its length.
 */
export class ChunkReader {
  private readonly begun = new Set<number>();
  private readonly finished = new Set<number>();
  private readonly toolCalls = new ToolCallDeltas();
  private characters = 0;

  /** Characters that the model has written so far, for the guess where no usage is reported. */
  get characterCount(): number {
    return this.characters;
  }

  /** Whether every answer that has begun has said why it ended. */
  get isFinished(): boolean {
    return this.begun.size > 0 && this.begun.size === this.finished.size;
  }

  read(frame: JsonObject): ParsedFrame {
    const choices: ChunkChoice[] = [];
    const given: unknown = frame['choices'];
    for (const value of Array.isArray(given) ? (given as unknown[]) : []) {
      const choice = isObject(value) ? this.toChoice(value) : null;
      if (choice !== null) choices.push(choice);
    }
    return { chunk: choices.length === 0 ? null : { choices }, rawUsage: usageIn(frame) };
  }

  /** A completion that came whole, as the one frame of a stream. */
  readWhole(answer: ChatAnswer): ChatChunk {
    this.characters += countAnswerCharacters(answer);
    return {
      choices: answer.choices.map(({ message, ...choice }) => {
        const { tool_calls: calls, content, ...texts } = message;
        this.noteChoice(choice.index, true);
        return {
          ...choice,
          delta: {
            ...texts,
            ...(content !== null && { content }),
            ...(calls !== undefined && { tool_calls: calls.map((call, index) => ({ index, ...call })) }),
          },
        };
      }),
    };
  }

  /** Null if nothing is left of it that a client would read. */
  private toChoice(value: JsonObject): ChunkChoice | null {
    const index = toIndex(value['index']);
    const finish = toText(value['finish_reason']);
    const delta = this.toDelta(index, isObject(value['delta']) ? value['delta'] : {});
    const logprobs = toLogprobs(value['logprobs']);
    if (finish === undefined && logprobs === undefined && Object.keys(delta).length === 0) return null;
    this.noteChoice(index, finish !== undefined);
    return {
      index,
      delta,
      ...(logprobs !== undefined && { logprobs }),
      finish_reason: toFinishReason(finish),
    };
  }

  private toDelta(index: number, delta: JsonObject): ChunkChoice['delta'] {
    const content = typeof delta['content'] === 'string' ? delta['content'] : undefined;
    const refusal = toText(delta['refusal']);
    const reasoning = toReasoning(delta);
    const toolCalls = this.toolCalls.read(index, delta['tool_calls']);
    this.characters += (content?.length ?? 0) + (refusal?.length ?? 0) + (reasoning?.length ?? 0);
    this.characters += countCharacters(toolCalls);
    return {
      ...(delta['role'] !== undefined && delta['role'] !== null && { role: 'assistant' as const }),
      ...(content !== undefined && { content }),
      ...(refusal !== undefined && { refusal }),
      ...(reasoning !== undefined && { reasoning_content: reasoning }),
      ...(toolCalls.length > 0 && { tool_calls: toolCalls }),
    };
  }

  private noteChoice(index: number, isFinished: boolean): void {
    this.begun.add(index);
    if (isFinished) this.finished.add(index);
  }
}

/** Groq writes the usage of a stream into a field of its own. */
function usageIn(frame: JsonObject): JsonObject | null {
  const groq = frame['x_groq'];
  for (const usage of [frame['usage'], isObject(groq) ? groq['usage'] : null]) {
    if (isObject(usage)) return usage;
  }
  return null;
}

function toIndex(value: unknown): number {
  return Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : 0;
}

function countCharacters(deltas: readonly ToolCallDelta[]): number {
  let count = 0;
  for (const { function: called } of deltas) {
    count += (called.name?.length ?? 0) + (called.arguments?.length ?? 0);
  }
  return count;
}

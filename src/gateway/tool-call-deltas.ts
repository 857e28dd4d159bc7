import { newToolCallId, toArguments, toText } from './answer-parts.js';
import type { ToolCallDelta } from './gateway.types.js';
import { isObject, type JsonObject } from '../common/json-object.js';

interface OpenCall {
  /** Where it stands among the calls of its answer, as the client sees it. */
  readonly index: number;
  /** The provider's, to tell its calls apart; it goes no further. */
  readonly upstreamId: string | null;
  isNamed: boolean;
}

/** The calls of one answer. */
interface AnswerCalls {
  count: number;
  last: OpenCall | null;
  /** The newest call under each index of the provider's. */
  readonly byUpstreamIndex: Map<number, OpenCall>;
}

/**
 * Rewrites the pieces of calls of tools with ids and places of our own. Some upstreams leave the index out or
 * give every call the same one, and repeat id and name with every piece; clients that put the pieces
 * together by index would mix the calls up, or write a name twice.
 */
export class ToolCallDeltas {
  private readonly answers = new Map<number, AnswerCalls>();

  read(answerIndex: number, value: unknown): ToolCallDelta[] {
    if (!Array.isArray(value) || value.length === 0) return [];
    const answer = this.answerAt(answerIndex);
    return (value as unknown[]).filter(isObject).map((piece) => toDelta(answer, piece));
  }

  private answerAt(index: number): AnswerCalls {
    const known = this.answers.get(index);
    if (known !== undefined) return known;
    const answer: AnswerCalls = { count: 0, last: null, byUpstreamIndex: new Map() };
    this.answers.set(index, answer);
    return answer;
  }
}

function toDelta(answer: AnswerCalls, piece: JsonObject): ToolCallDelta {
  const called = isObject(piece['function']) ? piece['function'] : {};
  const name = toText(called['name']);
  const upstreamId = toText(piece['id']) ?? null;
  const upstreamIndex = Number.isSafeInteger(piece['index']) ? (piece['index'] as number) : null;
  const known = upstreamIndex === null ? answer.last : (answer.byUpstreamIndex.get(upstreamIndex) ?? null);
  const isNew = known === null || isAnotherCall(known, upstreamId, name);
  const call = isNew ? open(answer, upstreamId, upstreamIndex) : known;
  const isNaming = name !== undefined && !call.isNamed;
  if (isNaming) call.isNamed = true;
  const args = toArguments(called['arguments']);
  return {
    index: call.index,
    ...(isNew && { id: newToolCallId(), type: 'function' as const }),
    function: { ...(isNaming && { name }), ...(args !== undefined && { arguments: args }) },
  };
}

/** A piece with both an id and a name begins a call, unless the open one has that id. */
function isAnotherCall(known: OpenCall, upstreamId: string | null, name: string | undefined): boolean {
  return known.isNamed && name !== undefined && upstreamId !== null && upstreamId !== known.upstreamId;
}

function open(answer: AnswerCalls, upstreamId: string | null, upstreamIndex: number | null): OpenCall {
  const call: OpenCall = { index: answer.count, upstreamId, isNamed: false };
  answer.count += 1;
  answer.last = call;
  if (upstreamIndex !== null) answer.byUpstreamIndex.set(upstreamIndex, call);
  return call;
}

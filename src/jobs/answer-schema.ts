import type { AnswerSchema } from '../chat/json-schema.js';
import type { ChatAnswer, ChatChoice } from '../gateway/gateway.types.js';
import type { SchemaOutcome } from '../llm-calls/llm-calls.types.js';

export interface SchemaResult {
  /** Null if there was nothing to hold against a schema. */
  readonly outcome: SchemaOutcome | null;
  /** Why it was missed: place and keyword; null unless it was. */
  readonly miss: string | null;
  /** Of the first choice. */
  readonly parsed?: unknown;
}

const NOTHING_ASKED: SchemaResult = { outcome: null, miss: null };

/**
 * Holds every choice of an answer against the schema that its client asked for. A choice that calls tools
 * instead of answering is let pass; one without any text has missed it.
 */
export function checkAnswer(schema: AnswerSchema | null, answer: ChatAnswer | null): SchemaResult {
  if (schema === null || answer === null) return NOTHING_ASKED;
  const asked = answer.choices.filter((choice) => !callsTools(choice));
  if (asked.length === 0) return NOTHING_ASKED;
  const results = asked.map(({ message }) => schema.check(message.content ?? ''));
  const miss = results.find(({ missed }) => missed !== null)?.missed ?? null;
  if (miss !== null) return { outcome: 'missed', miss };
  const isFirstAsked = asked[0] === answer.choices[0];
  return { outcome: 'matched', miss: null, ...(isFirstAsked && { parsed: results[0]?.parsed }) };
}

function callsTools({ message }: ChatChoice): boolean {
  return message.content === null && message.tool_calls !== undefined;
}

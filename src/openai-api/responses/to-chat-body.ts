import { invalidField } from '../../common/domain-error.js';
import type { ResponsesRequest } from '../dto/responses.request.js';
import {
  allowOnly,
  type Fields,
  fieldsOf,
  isAbsent,
  itemsOf,
  textOf,
  unsupported,
  withoutAbsent,
} from './fields.js';
import { toMessages } from './input.js';
import type { Places } from './places.js';

export interface TranslatedRequest {
  /** A body of the chat route, which is still to be checked as one. */
  readonly body: Record<string, unknown>;
  readonly places: Places;
}

const OTHER_TOOLS = 'it runs at a provider. Only tools of the type function are taken';

/** What may be asked for without effect: no reasoning is given, so none of it is encrypted either. */
const INCLUDABLE = 'reasoning.encrypted_content';

/**
 * The chat request that asks for the same.
 *
 * @throws DomainError validation_failed
 */
export function toChatBody(request: ResponsesRequest): TranslatedRequest {
  refuseIncludes(request.include);
  const { messages, places } = toMessages(request.input, request.instructions);
  const text = toTextParameters(request.text);
  const tools = toTools(request.tools);
  return {
    places,
    body: withoutAbsent({
      messages,
      max_completion_tokens: request.max_output_tokens,
      temperature: request.temperature,
      top_p: request.top_p,
      tools,
      tool_choice: toToolChoice(request.tool_choice, tools !== null),
      parallel_tool_calls: tools === null ? null : request.parallel_tool_calls,
      reasoning_effort: toReasoningEffort(request.reasoning),
      ...text,
    }),
  };
}

function refuseIncludes(include: unknown): void {
  if (isAbsent(include)) return;
  const other = itemsOf(include, 'include').find((name) => name !== INCLUDABLE);
  if (other !== undefined) throw unsupported('include', `only ${INCLUDABLE} may be named`);
}

/** No tools are said by leaving them out. */
function toTools(tools: unknown): unknown[] | null {
  if (isAbsent(tools)) return null;
  const translated = itemsOf(tools, 'tools').map((tool, index) => {
    const place = `tools.${String(index)}`;
    return toTool(fieldsOf(tool, place, 'a tool of the type function'), place);
  });
  return translated.length === 0 ? null : translated;
}

function toTool(tool: Fields, place: string): object {
  if (tool['type'] !== 'function') throw unsupported(`${place}.type`, OTHER_TOOLS);
  allowOnly(tool, ['type', 'name', 'description', 'parameters', 'strict'], place);
  const { type, ...definition } = tool;
  return { type, function: withoutAbsent(definition) };
}

/** Clients say how to choose among no tools, where the chat API has nothing to say. */
function toToolChoice(choice: unknown, hasTools: boolean): unknown {
  if (!hasTools && (choice === 'auto' || choice === 'none')) return null;
  if (isAbsent(choice) || typeof choice === 'string') return choice;
  const fields = fieldsOf(
    choice,
    'tool_choice',
    'none, auto, required, or {"type": "function", "name": "…"}',
  );
  if (fields['type'] !== 'function') throw unsupported('tool_choice.type', OTHER_TOOLS);
  allowOnly(fields, ['type', 'name'], 'tool_choice');
  return { type: 'function', function: { name: textOf(fields['name'], 'tool_choice.name') } };
}

/** A summary may be asked for, but is not given. */
function toReasoningEffort(reasoning: unknown): unknown {
  if (isAbsent(reasoning)) return null;
  const fields = fieldsOf(reasoning, 'reasoning', 'an object with effort');
  allowOnly(fields, ['effort', 'summary', 'generate_summary'], 'reasoning');
  return fields['effort'];
}

function toTextParameters(text: unknown): Fields {
  if (isAbsent(text)) return {};
  const fields = fieldsOf(text, 'text', 'an object with format or verbosity');
  allowOnly(fields, ['format', 'verbosity'], 'text');
  return { verbosity: fields['verbosity'], response_format: toResponseFormat(fields['format']) };
}

function toResponseFormat(format: unknown): unknown {
  if (isAbsent(format)) return null;
  const fields = fieldsOf(format, 'text.format', 'an object with type');
  const { type, ...definition } = fields;
  switch (type) {
    case 'text':
    case 'json_object':
      allowOnly(definition, [], 'text.format');
      return { type };
    case 'json_schema':
      allowOnly(definition, ['name', 'description', 'schema', 'strict'], 'text.format');
      return { type, json_schema: withoutAbsent(definition) };
    default:
      throw invalidField('text.format.type', 'is_in', 'must be one of text, json_object, json_schema');
  }
}

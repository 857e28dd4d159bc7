import { createHash } from 'node:crypto';
import { exampleOf } from './sandbox.schema.js';
import { type ToolFunction, type ToolRequest } from './sandbox.tool-request.js';

/** One call of a function, as an answer asks for it. */
export interface ToolCall {
  readonly id: string;
  readonly name: string;
  /** JSON, unless a limit of tokens cut it. */
  readonly arguments: string;
}

/**
 * The functions that an answer calls, in the order of the tools: the named one, those that the user's last
 * message names, or the first one where a call is required and none is named. None behind the result of a
 * tool, as a conversation would otherwise never end.
 */
export function functionsToCall(
  tools: ToolRequest | null,
  lastUserText: string | null,
  isBehindTool: boolean,
): readonly ToolFunction[] {
  if (tools === null || tools.choice === 'none' || isBehindTool) return [];
  const { choice, functions, isParallel } = tools;
  if (choice !== 'auto' && choice !== 'required') return functions.filter(({ name }) => name === choice.name);
  const named = functions.filter(({ name }) => lastUserText?.includes(name) ?? false);
  const called = named.length === 0 && choice === 'required' ? functions : named;
  return isParallel && named.length > 0 ? called : called.slice(0, 1);
}

/** The same call for equal seeds, with arguments that its schema allows. */
export function callOf({ name, parameters }: ToolFunction, seed: unknown): ToolCall {
  const digest = createHash('sha256')
    .update(JSON.stringify([seed, name]))
    .digest('hex');
  const values = parameters === null ? {} : exampleOf(parameters, [seed, name]);
  return { id: `call_${digest.slice(0, 24)}`, name, arguments: JSON.stringify(values) };
}

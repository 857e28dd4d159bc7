import { invalidRequest, SandboxRefusal } from './sandbox.errors.js';
import { isObject, type JsonObject } from './sandbox.json.js';

/** A function that the model may call. */
export interface ToolFunction {
  readonly name: string;
  /** A JSON schema; null for a function without parameters. */
  readonly parameters: unknown;
}

/** The tools of a request and how free the model is to use them. */
export interface ToolRequest {
  readonly functions: readonly ToolFunction[];
  /** The name of a function is an order to call that one. */
  readonly choice: 'none' | 'auto' | 'required' | { readonly name: string };
  readonly isParallel: boolean;
  /** The tools as JSON: what they take in the prompt. */
  readonly text: string;
}

const MAX_TOOLS = 128;
const NAME = /^[\w-]{1,64}$/;

/**
 * Reads `tools`, `tool_choice` and `parallel_tool_calls`.
 *
 * @throws SandboxRefusal with OpenAI's 400
 */
export function readTools(body: JsonObject): ToolRequest | null {
  const tools = body['tools'] ?? null;
  const choice = body['tool_choice'] ?? null;
  if (tools === null) {
    if (choice !== null && choice !== 'none') throw refusal('tool_choice needs tools.', 'tool_choice');
    return null;
  }
  if (!Array.isArray(tools) || tools.length === 0 || tools.length > MAX_TOOLS) {
    throw refusal(`tools must be an array of 1 to ${MAX_TOOLS} tools.`, 'tools');
  }
  const functions = tools.map((tool: unknown, index) => readTool(tool, `tools[${index}]`));
  return {
    functions,
    choice: readChoice(choice, functions),
    isParallel: body['parallel_tool_calls'] !== false,
    text: JSON.stringify(tools),
  };
}

function readTool(tool: unknown, param: string): ToolFunction {
  const described = isObject(tool) && tool['type'] === 'function' ? tool['function'] : null;
  if (!isObject(described)) throw refusal(`${param} must be a tool of type "function".`, param);
  const { name, parameters = null } = described;
  if (typeof name !== 'string' || !NAME.test(name)) {
    throw refusal(`${param}.function.name must be 1 to 64 letters, digits, "_" or "-".`, param);
  }
  if (parameters !== null && !isObject(parameters)) {
    throw refusal(`${param}.function.parameters must be a JSON schema.`, param);
  }
  return { name, parameters };
}

function readChoice(choice: unknown, functions: readonly ToolFunction[]): ToolRequest['choice'] {
  if (choice === null) return 'auto';
  if (choice === 'none' || choice === 'auto' || choice === 'required') return choice;
  const named = isObject(choice) && choice['type'] === 'function' ? choice['function'] : null;
  const name = isObject(named) ? named['name'] : null;
  if (typeof name !== 'string' || !functions.some((one) => one.name === name)) {
    throw refusal('tool_choice must be none, auto, required or one of the functions.', 'tool_choice');
  }
  return { name };
}

function refusal(message: string, param: string): SandboxRefusal {
  return new SandboxRefusal(invalidRequest(message, param));
}

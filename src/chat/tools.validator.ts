import { isObject } from '../common/json-object.js';
import { findOtherField, isAbsent, isText, isWellFormed, quote } from './json-checks.js';
import { JudgedBy } from './judged-by.js';

export const FUNCTION_NAME_PATTERN = /^[a-zA-Z0-9_-]{1,64}$/;
export const NAME_RULE = 'must be 1 to 64 letters, digits, "_" or "-"';
export const MAX_TOOLS = 128;
export const TOOL_CHOICES = ['none', 'auto', 'required'] as const;

const TOOL_FIELDS: ReadonlySet<string> = new Set(['type', 'function']);
const FUNCTION_FIELDS: ReadonlySet<string> = new Set(['name', 'description', 'parameters', 'strict']);
const CHOSEN_FIELDS: ReadonlySet<string> = new Set(['name']);

type Fields = Readonly<Record<string, unknown>>;

/** Functions that the model may call. */
export function IsTools(): PropertyDecorator {
  return JudgedBy('isTools', findToolsProblem);
}

/** Which of the tools the model is to call. */
export function IsToolChoice(): PropertyDecorator {
  return JudgedBy('isToolChoice', findToolChoiceProblem);
}

/** Refuses a parameter about tools where there are none, as the upstreams do. */
export function NeedsTools(): PropertyDecorator {
  return (target, property) => {
    JudgedBy('needsTools', (_, request) =>
      isAbsent(request['tools']) ? `${String(property)} goes with tools only` : null,
    )(target, property);
  };
}

export function isFunctionName(value: unknown): value is string {
  return typeof value === 'string' && FUNCTION_NAME_PATTERN.test(value);
}

/** What is wrong with the tools, naming the place; null if nothing is. */
export function findToolsProblem(value: unknown): string | null {
  if (!Array.isArray(value) || value.length === 0 || value.length > MAX_TOOLS) {
    return `tools must be an array of 1 to ${String(MAX_TOOLS)} functions`;
  }
  const names = new Set<string>();
  for (let index = 0; index < value.length; index += 1) {
    const problem = findToolProblem(value[index], names);
    if (problem !== null) return `tools.${String(index)}${problem}`;
  }
  return null;
}

function findToolProblem(tool: unknown, names: Set<string>): string | null {
  if (!isObject(tool)) return ' must be {"type": "function", "function": {"name": "…"}}';
  if (tool['type'] !== 'function') return '.type must be function: other kinds of tools are not supported';
  const other = findOtherField(tool, TOOL_FIELDS);
  if (other !== null) return `.${other} is not a field of a tool`;
  const { function: declared } = tool;
  if (!isObject(declared)) return '.function must be an object with a name';
  const problem = findFunctionProblem(declared);
  if (problem !== null) return `.function${problem}`;
  const name = declared['name'] as string;
  if (names.has(name)) return `.function.name ${quote(name)} is the name of an earlier tool`;
  names.add(name);
  return null;
}

function findFunctionProblem(declared: Record<string, unknown>): string | null {
  const other = findOtherField(declared, FUNCTION_FIELDS);
  if (other !== null) return `.${other} is not a field of a function`;
  const { name, description, parameters, strict } = declared;
  if (!isFunctionName(name)) return `.name ${NAME_RULE}`;
  if (!isAbsent(description) && !isText(description)) return '.description must be text';
  if (!isAbsent(parameters) && !isObject(parameters)) return '.parameters must be a JSON schema object';
  if (!isWellFormed(parameters)) return '.parameters holds broken Unicode';
  if (!isAbsent(strict) && typeof strict !== 'boolean') return '.strict must be true or false';
  return null;
}

/** What is wrong with the choice; null if nothing is. Tools that are wrong themselves are not its matter. */
export function findToolChoiceProblem(choice: unknown, { tools }: Fields): string | null {
  if ((TOOL_CHOICES as readonly unknown[]).includes(choice)) return null;
  const name = chosenName(choice);
  if (name === null) {
    return `tool_choice must be one of ${TOOL_CHOICES.join(', ')}, or {"type": "function", "function": {"name": "…"}}`;
  }
  const declared: readonly unknown[] = Array.isArray(tools) ? tools : [];
  return declared.some((tool) => nameOfTool(tool) === name)
    ? null
    : `tool_choice names ${quote(name)}, which is none of the tools`;
}

function chosenName(choice: unknown): string | null {
  if (!isObject(choice) || choice['type'] !== 'function' || findOtherField(choice, TOOL_FIELDS) !== null) {
    return null;
  }
  const { function: chosen } = choice;
  if (!isObject(chosen) || findOtherField(chosen, CHOSEN_FIELDS) !== null) return null;
  return isText(chosen['name']) ? chosen['name'] : null;
}

function nameOfTool(tool: unknown): unknown {
  return isObject(tool) && isObject(tool['function']) ? tool['function']['name'] : undefined;
}

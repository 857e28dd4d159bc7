import { invalidRequest, SandboxRefusal } from './sandbox.errors.js';
import { isObject } from './sandbox.json.js';

/** What the text of an answer is to be. */
export type ResponseFormat =
  { readonly kind: 'text' | 'json-object' } | { readonly kind: 'json-schema'; readonly schema: unknown };

const NAME = /^[\w-]{1,64}$/;

/** @throws SandboxRefusal with OpenAI's 400 */
export function readResponseFormat(format: unknown): ResponseFormat {
  if (format === undefined || format === null) return { kind: 'text' };
  switch (isObject(format) ? format['type'] : null) {
    case 'text':
      return { kind: 'text' };
    case 'json_object':
      return { kind: 'json-object' };
    case 'json_schema':
      return { kind: 'json-schema', schema: readSchema(isObject(format) ? format['json_schema'] : null) };
    default:
      throw refusal('response_format.type must be text, json_object or json_schema.', 'response_format');
  }
}

function readSchema(described: unknown): unknown {
  const { name, schema } = isObject(described) ? described : {};
  if (typeof name !== 'string' || !NAME.test(name)) {
    throw refusal('response_format.json_schema needs a name.', 'response_format.json_schema.name');
  }
  if (!isObject(schema)) {
    throw refusal('response_format.json_schema needs a schema.', 'response_format.json_schema.schema');
  }
  return schema;
}

function refusal(message: string, param: string): SandboxRefusal {
  return new SandboxRefusal(invalidRequest(message, param));
}

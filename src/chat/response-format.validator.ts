import { isObject } from '../common/json-object.js';
import { findOtherField, isAbsent, isText, isWellFormed } from './json-checks.js';
import { JudgedBy } from './judged-by.js';
import { isFunctionName, NAME_RULE } from './tools.validator.js';

const RESPONSE_FORMATS = ['text', 'json_object', 'json_schema'] as const;

const FIELDS: ReadonlySet<string> = new Set(['type', 'json_schema']);
const SCHEMA_FIELDS: ReadonlySet<string> = new Set(['name', 'description', 'schema', 'strict']);

/** The form of the answer: text, any JSON, or JSON of a schema. */
export function IsResponseFormat(): PropertyDecorator {
  return JudgedBy('isResponseFormat', findResponseFormatProblem);
}

/** What is wrong with the form, naming the place; whether the schema itself is one, is judged later. */
export function findResponseFormatProblem(value: unknown): string | null {
  if (!isObject(value)) return 'response_format must be an object with a type';
  const { type, json_schema: described } = value;
  if (!(RESPONSE_FORMATS as readonly unknown[]).includes(type)) {
    return `response_format.type must be one of ${RESPONSE_FORMATS.join(', ')}`;
  }
  const other = findOtherField(value, FIELDS);
  if (other !== null) return `response_format.${other} is not a field of a response format`;
  if (type !== 'json_schema') {
    return isAbsent(described) ? null : 'response_format.json_schema goes with the type json_schema only';
  }
  const problem = findDescribedProblem(described);
  return problem === null ? null : `response_format.json_schema${problem}`;
}

function findDescribedProblem(described: unknown): string | null {
  if (!isObject(described)) return ' must be an object with name and schema';
  const other = findOtherField(described, SCHEMA_FIELDS);
  if (other !== null) return `.${other} is not a field of a described schema`;
  const { name, description, schema, strict } = described;
  if (!isFunctionName(name)) return `.name ${NAME_RULE}`;
  if (!isAbsent(description) && !isText(description)) return '.description must be text';
  if (!isObject(schema)) return '.schema must be a JSON schema object';
  if (!isWellFormed(schema)) return '.schema holds broken Unicode';
  if (!isAbsent(strict) && typeof strict !== 'boolean') return '.strict must be true or false';
  return null;
}

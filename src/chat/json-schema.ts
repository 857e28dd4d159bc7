import { createHash } from 'node:crypto';
import { invalidField } from '../common/domain-error.js';
import { compileSchema, type SchemaCheck } from './json-schema-compiler.js';
import {
  CHECK_LIMIT_MS,
  MAX_ANSWER_DEPTH,
  MAX_COMPILED_SCHEMAS,
  MAX_COSTLY_CHECKS,
  MAX_SCHEMA_BYTES,
  MAX_SCHEMA_DEPTH,
} from './answer-schema-limits.js';
import { runWithin, TimeLimitReached } from './time-limit.js';

const SCHEMA_FIELD = 'response_format.json_schema.schema';

/** What a text is, read as JSON, and why it misses the schema; `parsed` is null where it is no JSON. */
interface CheckedText {
  readonly parsed: unknown;
  /** A short reason: keyword and place, never the value. Null if the text meets the schema. */
  readonly missed: string | null;
}

/** A schema that answers of a model are held against, on our side. */
export class AnswerSchema {
  private costlyChecks = 0;

  constructor(private readonly findProblem: SchemaCheck) {}

  /** Never throws, and takes no longer than {@link CHECK_LIMIT_MS}, beside reading the text. */
  check(text: string): CheckedText {
    const parsed = parse(text);
    if (parsed === undefined) return { parsed: null, missed: 'the text is not JSON' };
    // Whoever writes it as JSON again would exhaust the stack.
    if (isDeeperThan(parsed, MAX_ANSWER_DEPTH))
      return { parsed: null, missed: 'the JSON is nested too deeply' };
    return { parsed, missed: this.findMiss(parsed) };
  }

  private findMiss(value: unknown): string | null {
    // A schema that wears the service out every time must not do so with every call.
    if (this.costlyChecks >= MAX_COSTLY_CHECKS) return 'the schema takes too long to check';
    try {
      const missed = runWithin(CHECK_LIMIT_MS, () => this.findProblem(value));
      this.costlyChecks = 0;
      return missed;
    } catch (error) {
      this.costlyChecks += 1;
      return error instanceof TimeLimitReached
        ? 'the schema takes too long to check'
        : 'the schema cannot be checked: it refers to itself without end';
    }
  }
}

const compiled = new Map<string, AnswerSchema>();

/**
 * Makes the check of a schema, or finds the one that was made for it before.
 *
 * @throws DomainError validation_failed, with the code `invalid_schema`
 */
export function compileAnswerSchema(schema: object): AnswerSchema {
  const text = JSON.stringify(schema);
  if (Buffer.byteLength(text) > MAX_SCHEMA_BYTES) {
    throw invalidSchema(`must have at most ${String(MAX_SCHEMA_BYTES)} bytes as JSON`);
  }
  const key = createHash('sha256').update(text).digest('base64');
  const known = compiled.get(key);
  const answerSchema = known ?? compileNew(schema);
  // The last one used is the last one forgotten: a Map keeps the order in which keys were set.
  compiled.delete(key);
  compiled.set(key, answerSchema);
  const [oldest = key] = compiled.keys();
  if (compiled.size > MAX_COMPILED_SCHEMAS) compiled.delete(oldest);
  return answerSchema;
}

function compileNew(schema: object): AnswerSchema {
  if (isDeeperThan(schema, MAX_SCHEMA_DEPTH)) {
    throw invalidSchema(`must be nested at most ${String(MAX_SCHEMA_DEPTH)} levels deep`);
  }
  const result = compileSchema(schema);
  if ('problem' in result) throw invalidSchema(result.problem);
  return new AnswerSchema(result.check);
}

/** Goes no deeper than `max` itself. */
function isDeeperThan(value: unknown, max: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return max === 0 || Object.values(value).some((item) => isDeeperThan(item, max - 1));
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function invalidSchema(message: string): Error {
  return invalidField(SCHEMA_FIELD, 'invalid_schema', message);
}

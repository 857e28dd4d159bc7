import { Ajv, type AnySchemaObject, type ErrorObject, type Options } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { COMPILE_LIMIT_MS } from './answer-schema-limits.js';
import { runWithin, TimeLimitReached } from './time-limit.js';

/** Why a value misses the schema, in a few words; null if it does not. May throw, and may take long. */
export type SchemaCheck = (value: unknown) => string | null;

const MAX_PLACE_LENGTH = 200;

/** Words that a schema has beside those of its draft are no mistake, and nothing goes to the console. */
const OPTIONS: Options = { strict: false, logger: false, validateFormats: true };

/**
 * One instance for each schema: an instance keeps every `$id` that it has seen, and one client's must not
 * be there for another. Schemas are judged before, so these know no meta-schema. Nothing is put in place
 * of a reference, because a large schema that is referred to often would become enormous. Making the
 * code shorter takes longer than running it does, for large schemas by far.
 */
const COMPILER_OPTIONS: Options = {
  ...OPTIONS,
  meta: false,
  validateSchema: false,
  inlineRefs: false,
  code: { optimize: false },
};

interface Draft {
  readonly name: string;
  readonly metaSchema: string;
  /** Judges schemas, and never takes one in. */
  readonly judge: Ajv | Ajv2020;
  readonly createCompiler: () => Ajv | Ajv2020;
}

const DRAFT_2020: Draft = {
  name: '2020-12',
  metaSchema: 'https://json-schema.org/draft/2020-12/schema',
  judge: new Ajv2020(OPTIONS),
  createCompiler: () => withFormats(new Ajv2020(COMPILER_OPTIONS)),
};

const DRAFT_7: Draft = {
  name: '7',
  metaSchema: 'http://json-schema.org/draft-07/schema',
  judge: new Ajv(OPTIONS),
  createCompiler: () => withFormats(new Ajv(COMPILER_OPTIONS)),
};

for (const { judge } of [DRAFT_2020, DRAFT_7]) {
  withFormats(judge);
  // Compiles the meta-schema, which must not be stopped halfway by the time limit of the first schema.
  void judge.validateSchema({});
}

function withFormats<T extends Ajv | Ajv2020>(ajv: T): T {
  addFormats.default(ajv);
  return ajv;
}

/** Makes the check of a schema, or says why there is none, as the end of a sentence about the schema. */
export function compileSchema(schema: object): { check: SchemaCheck } | { problem: string } {
  const { $schema: declared, ...rest } = schema as AnySchemaObject;
  const draft = findDraft(declared);
  if (draft === null) return { problem: 'must be of draft 2020-12 or 7, and its $schema says otherwise' };
  try {
    return runWithin(COMPILE_LIMIT_MS, () => compileOf(draft, rest));
  } catch (error) {
    return { problem: problemOf(error) };
  }
}

function findDraft(declared: unknown): Draft | null {
  if (declared === undefined) return DRAFT_2020;
  const named = typeof declared === 'string' ? declared.replace(/#$/, '').replace(/^https?:/, '') : null;
  return [DRAFT_2020, DRAFT_7].find((one) => one.metaSchema.replace(/^https?:/, '') === named) ?? null;
}

function compileOf(draft: Draft, schema: AnySchemaObject): { check: SchemaCheck } | { problem: string } {
  if (draft.judge.validateSchema(schema) !== true) {
    return { problem: `is no JSON schema of draft ${draft.name}: ${describe(draft.judge.errors)}` };
  }
  const validate = draft.createCompiler().compile(schema);
  if ('$async' in validate) return { problem: 'must not be asynchronous' };
  return { check: (value) => (validate(value) ? null : describe(validate.errors)) };
}

/** The first problem: the word of the schema and the place in the value. */
function describe(errors: readonly ErrorObject[] | null | undefined): string {
  const [first] = errors ?? [];
  if (first === undefined) return 'it is not met';
  const place = first.instancePath === '' ? 'the root' : first.instancePath.slice(0, MAX_PLACE_LENGTH);
  return `"${first.keyword}" is not met at ${place}`;
}

function problemOf(error: unknown): string {
  if (error instanceof TimeLimitReached) return 'takes too long to compile: make it smaller';
  const missing = (error as { missingRef?: unknown }).missingRef;
  if (typeof missing === 'string') {
    return `has a $ref that is not in it (${JSON.stringify(missing.slice(0, MAX_PLACE_LENGTH))}): nothing is loaded`;
  }
  return 'cannot be compiled: a reference, an $id or a pattern in it is not valid, or too many references follow each other';
}

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';

const FILE = join(import.meta.dirname, '../../openapi.json');
const SCHEMAS = '#/components/schemas/';

/** Problems of a request that brings a body where none is taken. */
const CODES_OF_BODIES: ReadonlySet<string> = new Set([
  'malformed_json',
  'body_too_large',
  'unsupported_media_type',
]);

/** Problems of a path that no operation has. */
const CODES_OF_NO_ROUTE: ReadonlySet<string> = new Set(['route_not_found', 'method_not_allowed']);

export interface ContractOperation {
  readonly operationId: string;
  readonly method: string;
  /** As OpenAPI writes it: `/api/jobs/{job_id}`. */
  readonly path: string;
  readonly parameters: readonly Parameter[];
  /** The schema of its body; null if it takes none. */
  readonly body: Schema | null;
  readonly isBodyOptional: boolean;
  /** A sound body; null if it takes none. */
  readonly example: unknown;
  readonly responses: Readonly<Record<string, DeclaredResponse>>;
}

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly schema: Schema & { readonly example?: unknown };
  readonly example?: unknown;
}

export interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly pattern?: string;
  readonly maximum?: number;
  readonly minimum?: number;
  readonly maxLength?: number;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
}

interface DeclaredResponse {
  readonly content?: Readonly<
    Record<string, { readonly schema?: Schema; readonly examples?: Readonly<Record<string, unknown>> }>
  >;
}

/** An answer as the contract speaks of it. */
export interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly text: string;
}

interface Document {
  readonly paths: Readonly<
    Record<
      string,
      Readonly<
        Record<
          string,
          {
            readonly operationId: string;
            readonly parameters?: readonly Parameter[];
            readonly requestBody?: {
              readonly required?: boolean;
              readonly content: Readonly<
                Record<string, { readonly schema: Schema; readonly example?: unknown }>
              >;
            };
            readonly responses: Readonly<Record<string, DeclaredResponse>>;
          }
        >
      >
    >
  >;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

/** The committed contract, and whether an answer keeps to it. */
class Contract {
  readonly operations: readonly ContractOperation[];
  private readonly schemas: Document['components']['schemas'];
  private readonly validators = new Map<string, ValidateFunction>();
  private readonly ajv = new Ajv2020({ strict: false, allErrors: true });

  constructor(document: Document) {
    this.schemas = document.components.schemas;
    this.operations = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({
        operationId: operation.operationId,
        method,
        path,
        parameters: operation.parameters ?? [],
        body: operation.requestBody?.content['application/json']?.schema ?? null,
        isBodyOptional: operation.requestBody?.required !== true,
        example: operation.requestBody?.content['application/json']?.example ?? null,
        responses: operation.responses,
      })),
    );
    addFormats.default(this.ajv);
    for (const [name, schema] of Object.entries(this.schemas)) {
      // A field that the contract does not name is a leak, so every object is closed here.
      const closed = schema.properties === undefined ? {} : { additionalProperties: false };
      this.ajv.addSchema({ ...schema, ...closed }, `${SCHEMAS}${name}`);
    }
  }

  /** What a reference stands for. */
  resolve(schema: Schema): Schema {
    return schema.$ref === undefined ? schema : this.schemas[schema.$ref.slice(SCHEMAS.length)]!;
  }

  /** The operation that a request means: of two that fit, the one with fewer parameters. */
  find(method: string, url: string): ContractOperation | null {
    // Not by URL, which would resolve the dots of an id.
    const [pathname = ''] = url.split(/[?#]/);
    const fitting = this.operations
      .filter((operation) => operation.method === method && toPattern(operation.path).test(pathname))
      .sort((first, second) => first.path.split('{').length - second.path.split('{').length);
    return fitting[0] ?? null;
  }

  /** What is wrong with an answer, or null. */
  findProblem(method: string, url: string, answer: Answer): string | null {
    const operation = this.find(method, url);
    const code = answer.status >= 400 ? codeOf(answer.text) : null;
    if (operation === null) {
      return CODES_OF_NO_ROUTE.has(code ?? '') || !url.startsWith('/api')
        ? null
        : `${method} ${url} is not in the contract and answers ${String(answer.status)}`;
    }
    if (operation.body === null && CODES_OF_BODIES.has(code ?? '')) return null;
    const problem = this.findProblemOf(operation, answer, code);
    return problem === null ? null : `${operation.operationId} ${String(answer.status)}: ${problem}`;
  }

  private findProblemOf(operation: ContractOperation, answer: Answer, code: string | null): string | null {
    const declared = operation.responses[String(answer.status)]?.content;
    if (declared === undefined) return `the status is not declared, the answer is ${answer.text}`;
    const [type = ''] = answer.contentType.split(';');
    const media = declared[type];
    if (media?.schema === undefined) return `the content type ${type} is not declared`;
    if (code !== null && !hasExampleOf(code, media.examples ?? {})) return `the code ${code} is not declared`;
    // Text that is no JSON has no shape that a schema could tell.
    if (['text/html', 'text/csv', 'text/plain'].includes(type)) return null;
    const validate = this.validatorOf(media.schema);
    const bodies = type === 'text/event-stream' ? readFrames(answer.text) : [JSON.parse(answer.text)];
    for (const body of bodies) {
      if (!validate(body)) {
        return `${this.ajv.errorsText(validate.errors)}, the answer is ${JSON.stringify(body)}`;
      }
    }
    return null;
  }

  private validatorOf(schema: Schema): ValidateFunction {
    const key = JSON.stringify(schema);
    const known = this.validators.get(key);
    if (known !== undefined) return known;
    const validator = this.ajv.compile(schema);
    this.validators.set(key, validator);
    return validator;
  }
}

/** What the frames of a stream say, less the mark of its end. */
export function readFrames(text: string): unknown[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('data: ') && line !== 'data: [DONE]')
    .map((line): unknown => JSON.parse(line.slice('data: '.length)));
}

function toPattern(path: string): RegExp {
  return new RegExp(`^${path.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '[^/]+')}/?$`, 'i');
}

function codeOf(text: string): string | null {
  try {
    return codeIn(JSON.parse(text));
  } catch {
    return null;
  }
}

/** The code of an error, of a problem or in OpenAI's shape. */
function codeIn(body: unknown): string | null {
  const { code, error } = body as { code?: string; error?: { code: string } };
  return code ?? error?.code ?? null;
}

function hasExampleOf(code: string, examples: Readonly<Record<string, unknown>>): boolean {
  return Object.values(examples).some((example) => codeIn((example as { value: unknown }).value) === code);
}

export const contract = new Contract(JSON.parse(readFileSync(FILE, 'utf8')) as Document);

import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { ADMIN_KEY_SCHEME, BEARER_SCHEME } from './common/openapi.js';
import { addBodyExamples } from './openapi-examples.js';
import { addIdempotency } from './openapi-idempotency.js';
import { speakOpenAi } from './openapi-openai.js';

type Operation = NonNullable<OpenAPIObject['paths'][string]['get']>;

/** What the operations are grouped by. */
const TAGS: Readonly<Record<string, string>> = {
  Organizations: 'The customers of the operator; each has teams.',
  Teams: 'The tenants: each has keys, model groups and credits of its own.',
  'Model groups': 'Names that clients use, in front of ordered lists of models that they never see.',
  Jobs: 'Business operations, the LLM calls in them, and how they end.',
  OpenAI: 'The same calls for code that speaks OpenAI: change its base URL and its key.',
  Credits: 'What jobs are paid with.',
  Usage: 'What jobs used and cost in a period.',
  Metrics: 'What a monitoring system asks for.',
  Errors: 'Pages that explain the codes of errors.',
  Health: 'Probes for load balancers and supervisors.',
};

/** The contract of the service: OpenAPI 3.1, operation ids such as `jobs_create`. */
export function createOpenApiDocument(app: INestApplication): OpenAPIObject {
  const builder = new DocumentBuilder()
    .setOpenAPIVersion('3.1.0')
    .setTitle('Jobs API')
    .setDescription(
      'Groups LLM calls into jobs and charges one credit for each job that is completed. Applications use the ' +
        'key of their team; operators use the admin key. Errors are problem documents (RFC 9457).',
    )
    .setVersion('0.1.0')
    .addBearerAuth(
      { type: 'http', scheme: 'bearer', description: "A team's virtual key, or the admin key" },
      BEARER_SCHEME,
    )
    .addApiKey(
      { type: 'apiKey', in: 'header', name: 'X-Admin-Key', description: 'The admin key' },
      ADMIN_KEY_SCHEME,
    )
    .addServer('/', 'The service that serves this document');
  for (const [tag, description] of Object.entries(TAGS)) builder.addTag(tag, description);
  const document = SwaggerModule.createDocument(app, builder.build(), {
    operationIdFactory: (controller, method) =>
      `${toSnakeCase(controller.replace(/Controller$/, ''))}_${toSnakeCase(method)}`,
  });
  refuseUnknownFields(document);
  completeOperations(document);
  addIdempotency(document);
  speakOpenAi(document);
  addBodyExamples(document);
  return replaceNullable(document) as OpenAPIObject;
}

/** Says of request bodies what validation does: a field that is not listed is an error. */
function refuseUnknownFields(document: OpenAPIObject): void {
  for (const [name, schema] of Object.entries(document.components?.schemas ?? {})) {
    if (name.endsWith('Request') && 'properties' in schema) schema.additionalProperties = false;
  }
}

/** Says outright what is otherwise said by leaving it out. */
function completeOperations(document: OpenAPIObject): void {
  for (const methods of Object.values(document.paths)) {
    for (const operation of Object.values(methods) as Operation[]) {
      operation.security ??= [];
      const success = operation.responses['200'];
      if (success !== undefined && 'description' in success) success.description ||= 'Done as asked';
    }
  }
}

function toSnakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`).replace(/^_/, '');
}

/** OpenAPI 3.1 has no `nullable`: null is one of the types. */
function replaceNullable(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(replaceNullable);
  if (typeof value !== 'object' || value === null) return value;
  const { nullable, ...rest } = Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, replaceNullable(item)]),
  );
  if (nullable !== true) return nullable === undefined ? rest : { nullable, ...rest };
  if (Array.isArray(rest['oneOf']))
    return { ...rest, oneOf: [...(rest['oneOf'] as unknown[]), { type: 'null' }] };
  return {
    ...rest,
    type: [rest['type'], 'null'],
    ...(Array.isArray(rest['enum']) && { enum: [...(rest['enum'] as unknown[]), null] }),
  };
}

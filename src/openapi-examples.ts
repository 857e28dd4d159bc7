import type { OpenAPIObject } from '@nestjs/swagger';

/** As much of a schema as an example can be put together from. */
interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly example?: unknown;
  /** Of a field that is shown where it is described, and not in every example of a body. */
  readonly examples?: readonly unknown[];
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly allOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly anyOf?: readonly Schema[];
}

interface MediaType {
  readonly schema?: Schema;
  example?: unknown;
  readonly examples?: unknown;
}

/**
 * Gives every body of the document an example, put together from those of its fields, which are therefore
 * written once. A field without one, or with several of its own (`examples`), is left out.
 */
export function addBodyExamples(document: OpenAPIObject): void {
  const schemas = (document.components?.schemas ?? {}) as Readonly<Record<string, Schema>>;
  for (const methods of Object.values(document.paths)) {
    for (const operation of Object.values(methods as Record<string, object>)) {
      for (const media of mediaTypesOf(operation)) {
        if (media.example !== undefined || media.examples !== undefined) continue;
        const example = exampleOf(media.schema, schemas);
        if (example !== undefined) media.example = example;
      }
    }
  }
}

function mediaTypesOf(operation: object): MediaType[] {
  const { requestBody, responses = {} } = operation as {
    requestBody?: { content?: Record<string, MediaType> };
    responses?: Record<string, { content?: Record<string, MediaType> }>;
  };
  return [requestBody, ...Object.values(responses)].flatMap((body) => Object.values(body?.content ?? {}));
}

function exampleOf(schema: Schema | undefined, schemas: Readonly<Record<string, Schema>>): unknown {
  if (schema === undefined) return undefined;
  if (schema.example !== undefined) return schema.example;
  if (schema.examples !== undefined) return undefined;
  const [variant] = schema.allOf ?? schema.oneOf ?? schema.anyOf ?? [];
  if (variant !== undefined) return exampleOf(variant, schemas);
  if (schema.$ref !== undefined) {
    return exampleOf(schemas[schema.$ref.slice('#/components/schemas/'.length)], schemas);
  }
  if (schema.type === 'array') {
    const item = exampleOf(schema.items, schemas);
    return item === undefined ? [] : [item];
  }
  if (schema.properties === undefined) return schema.default ?? schema.enum?.[0];
  return Object.fromEntries(
    Object.entries(schema.properties)
      .map(([name, property]) => [name, exampleOf(property, schemas)] as const)
      .filter(([, value]) => value !== undefined),
  );
}

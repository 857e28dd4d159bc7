// A small contract without a fault, for the tests of the checks: each of them breaks one thing in it.

/** @returns a document of its own for every caller, who may change it */
export function makeSoundDocument() {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Shelves',
      version: '1.0.0',
      description: 'Keeps books on shelves.',
      contact: { name: 'The keeper' },
    },
    servers: [{ url: '/', description: 'The service that serves this document' }],
    tags: [{ name: 'Shelves', description: 'Shelves of books.' }],
    paths: {
      '/shelves/{shelf_id}': {
        put: {
          operationId: 'shelves_put',
          summary: 'Put a shelf up',
          description: 'Puts a shelf up, or changes the one that is there.',
          tags: ['Shelves'],
          security: [{ bearer: [] }],
          parameters: [
            {
              name: 'shelf_id',
              in: 'path',
              required: true,
              schema: { type: 'string', maxLength: 8 },
              example: 'north',
            },
          ],
          requestBody: {
            required: true,
            content: {
              'application/json': {
                schema: { $ref: '#/components/schemas/Shelf' },
                examples: { long: { value: { boards: 5 } } },
              },
            },
          },
          responses: {
            200: {
              description: 'The shelf',
              headers: { 'X-Request-Id': { schema: { type: 'string' }, example: 'request-1' } },
              content: {
                'application/json': {
                  schema: { $ref: '#/components/schemas/Shelf' },
                  example: { boards: 5 },
                },
              },
            },
            409: {
              description: 'The shelf is full',
              content: {
                'application/problem+json': {
                  schema: { $ref: '#/components/schemas/Problem' },
                  examples: {
                    shelf_full: {
                      value: { type: 'about:blank', title: 'Conflict', status: 409, code: 'shelf_full' },
                    },
                  },
                },
              },
            },
          },
        },
      },
      '/v1/shelves': {
        get: {
          operationId: 'openai_shelves',
          summary: 'The shelves',
          description: 'All of them, for clients that speak OpenAI.',
          tags: ['Shelves'],
          security: [{ bearer: [] }],
          responses: {
            200: {
              description: 'A shelf',
              content: {
                'application/json': {
                  schema: { $ref: '#/components/schemas/Shelf' },
                  example: { boards: 5 },
                },
              },
            },
            400: {
              description: 'The request is not valid',
              content: {
                'application/json': {
                  schema: { $ref: '#/components/schemas/OpenAiError' },
                  examples: {
                    malformed_request: {
                      value: {
                        error: {
                          message: 'It cannot be read.',
                          type: 'invalid_request_error',
                          param: null,
                          code: 'malformed_request',
                        },
                      },
                    },
                    unknown_field: {
                      value: {
                        error: {
                          message: 'There is no such field.',
                          type: 'invalid_request_error',
                          param: 'colour',
                          code: 'validation_failed',
                        },
                      },
                    },
                  },
                },
              },
            },
          },
        },
      },
    },
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } },
      schemas: {
        Shelf: {
          type: 'object',
          properties: { boards: { type: 'integer', minimum: 1, example: 3 } },
          required: ['boards'],
          additionalProperties: false,
        },
        OpenAiError: {
          type: 'object',
          properties: {
            error: {
              type: 'object',
              properties: {
                message: { type: 'string' },
                type: { type: 'string' },
                param: { type: ['string', 'null'] },
                code: { type: 'string' },
              },
              required: ['message', 'type', 'param', 'code'],
            },
          },
          required: ['error'],
        },
        Problem: {
          type: 'object',
          properties: {
            type: { type: 'string' },
            title: { type: 'string' },
            status: { type: 'integer' },
            code: { type: 'string' },
          },
          required: ['type', 'title', 'status', 'code'],
        },
      },
    },
  };
}

import type { EmbeddingInput } from '../jobs/job-calls.types.js';
import type { EmbeddingsRequest } from './dto/embeddings.request.js';

/** What is to be embedded, with the parameters that were given. */
export function toEmbeddingInput(request: EmbeddingsRequest): EmbeddingInput {
  const { dimensions, encoding_format } = request;
  return {
    modelGroup: request.model,
    purpose: null,
    metadata: {},
    request: {
      input: request.input,
      parameters: {
        ...(dimensions != null && { dimensions }),
        ...(encoding_format != null && { encoding_format }),
      },
    },
  };
}

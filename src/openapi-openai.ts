import type { OpenAPIObject } from '@nestjs/swagger';
import { fromProblem } from './common/openai-error.js';
import { isOpenAiPath } from './common/openai-path.js';
import { PROBLEM_TYPE } from './common/problem.js';
import type { ProblemResponse } from './common/problem.response.js';

interface Media {
  schema?: object;
  examples?: Record<string, { value: unknown }>;
}

interface Answer {
  description?: string;
  headers?: Record<string, object>;
  content?: Record<string, Media>;
}

const ERROR_SCHEMA = { $ref: '#/components/schemas/OpenAiErrorResponse' };

/**
 * Says of the routes in OpenAI's shape that their errors have it, too: as the filter makes them, from the
 * same errors that every route declares.
 */
export function speakOpenAi(document: OpenAPIObject): void {
  for (const [path, methods] of Object.entries(document.paths)) {
    if (!isOpenAiPath(path)) continue;
    for (const operation of Object.values(methods) as { responses: Record<string, Answer> }[]) {
      operation.responses = inOpenAiShape(operation.responses);
    }
  }
}

/** What is not valid is a bad request there. */
function inOpenAiShape({ '422': invalid, ...others }: Record<string, Answer>): Record<string, Answer> {
  const malformed = others['400'];
  const answers = { ...others, ...(invalid && { '400': malformed ? merge(malformed, invalid) : invalid }) };
  return Object.fromEntries(
    Object.entries(answers).map(([status, answer]) => [status, withOpenAiErrors(answer)]),
  );
}

function merge(first: Answer, second: Answer): Answer {
  const examples = { ...examplesOf(first), ...examplesOf(second) };
  return {
    description: [first.description, second.description].filter(Boolean).join('; '),
    headers: { ...first.headers, ...second.headers },
    content: { [PROBLEM_TYPE]: { ...first.content?.[PROBLEM_TYPE], examples } },
  };
}

function withOpenAiErrors(answer: Answer): Answer {
  if (answer.content?.[PROBLEM_TYPE] === undefined) return answer;
  const examples = Object.entries(examplesOf(answer)).map(([name, { value }]) => [
    name,
    { value: fromProblem(value as ProblemResponse) },
  ]);
  return {
    ...answer,
    content: {
      'application/json': { schema: ERROR_SCHEMA, examples: Object.fromEntries(examples) as object },
    },
  } as Answer;
}

function examplesOf(answer: Answer): Record<string, { value: unknown }> {
  return answer.content?.[PROBLEM_TYPE]?.examples ?? {};
}

import { CONTENT, PROMPT } from './canary-markers.js';

/** What a call asks for beside words. */
export type Ask = 'words' | 'tools' | 'schema' | 'much';

/** One of the ways to make a call. */
export interface Door {
  readonly operation: string;
  readonly isStream: boolean;
  bodyOf(group: string, ask: Ask): object;
}

const SCHEMA = {
  type: 'object',
  properties: { city: { type: 'string' } },
  required: ['city'],
  additionalProperties: false,
};
const FUNCTION = { name: 'find_city', parameters: SCHEMA };

function chatBody(ask: Ask): object {
  const messages = [
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: `Where is ${PROMPT}?` },
  ];
  switch (ask) {
    case 'words':
      return { messages };
    case 'tools':
      return { messages, tools: [{ type: 'function', function: FUNCTION }] };
    case 'schema': {
      const json_schema = { name: 'place', schema: SCHEMA, strict: true };
      return { messages, response_format: { type: 'json_schema', json_schema } };
    }
    case 'much':
      return { messages, n: 2, logprobs: true, top_logprobs: 2, temperature: 0.5, seed: 7, stop: ['END'] };
  }
}

function responsesBody(ask: Ask): object {
  const input = `Where is ${PROMPT}?`;
  switch (ask) {
    case 'words':
      return { input };
    case 'tools':
      return { input, tools: [{ type: 'function', ...FUNCTION }] };
    case 'schema':
      return {
        input,
        text: { format: { type: 'json_schema', name: 'place', schema: SCHEMA, strict: true } },
      };
    case 'much':
      return { input, instructions: 'Be brief.', temperature: 0.5, metadata: { page: '1' }, user: 'ann' };
  }
}

const ofJob = (group: string, ask: Ask): object => ({
  model_group: group,
  purpose: PROMPT,
  call_metadata: { note: PROMPT },
  ...chatBody(ask),
});
const ofNewJob = (group: string, ask: Ask): object => ({ job_type: 'demo', ...ofJob(group, ask) });
const ofChat = (group: string, ask: Ask): object => ({ model: group, ...chatBody(ask) });
const ofResponses = (group: string, ask: Ask): object => ({ model: group, ...responsesBody(ask) });

/** The two doors of an operation that streams if its body says so. */
function both(operation: string, bodyOf: Door['bodyOf'], others: object = {}): Door[] {
  return [
    { operation, isStream: false, bodyOf },
    {
      operation,
      isStream: true,
      bodyOf: (group, ask) => ({ ...bodyOf(group, ask), stream: true, ...others }),
    },
  ];
}

const WITH_USAGE = { stream_options: { include_usage: true } };

export const CHAT_DOORS: readonly Door[] = [
  ...both('jobs_call', ofJob),
  ...both('jobs_create_and_call', ofNewJob),
  { operation: 'jobs_call_stream', isStream: true, bodyOf: ofJob },
  { operation: 'jobs_create_and_call_stream', isStream: true, bodyOf: ofNewJob },
  ...both('openai_chat_completions', ofChat, WITH_USAGE),
  ...both('openai_job_chat_completions', ofChat),
  ...both('openai_responses', ofResponses),
  ...both('openai_job_responses', ofResponses),
];

export const EMBEDDING_DOORS: readonly Door[] = ['openai_embeddings', 'openai_job_embeddings'].map(
  (operation) => ({
    operation,
    isStream: false,
    bodyOf: (group, ask) => ({
      model: group,
      input: [PROMPT, 'Paris'],
      encoding_format: ask === 'words' ? 'float' : 'base64',
    }),
  }),
);

export const DOORS: readonly Door[] = [...CHAT_DOORS, ...EMBEDDING_DOORS];

/** Whether an answer holds what the model has generated. */
export function hasContent(door: Door, body: string): boolean {
  return EMBEDDING_DOORS.includes(door)
    ? /"embedding":(?:\[0\.8125,|"AABQP)/.test(body)
    : body.includes(CONTENT);
}

import { CONTENT, EMBEDDING, MARKERS } from './canary-markers.js';

/** The part of a request to the upstream that decides what it answers. */
export interface UpstreamAsked {
  readonly model: string;
  readonly stream?: boolean;
  readonly tools?: readonly { readonly function: { readonly name: string } }[];
  readonly response_format?: { readonly type: string };
  readonly n?: number;
  readonly logprobs?: boolean;
  readonly encoding_format?: string;
  readonly input?: unknown;
}

const { model: MODEL, id: ID, host: HOST, key: KEY, error: ERROR, header: HEADER, field: FIELD } = MARKERS;

/** What providers and proxies put beside what was asked for, on whatever has room for it. */
const EXTRAS = {
  system_fingerprint: ID,
  service_tier: FIELD,
  provider: HOST,
  citations: [`https://${HOST}/${FIELD}`],
  search_results: [{ url: `https://${HOST}/`, title: FIELD }],
  provider_specific_fields: { [FIELD]: FIELD, model: MODEL, trace: ID },
  _hidden_params: { api_base: `https://${HOST}`, model_id: ID, api_key: KEY },
  x_groq: { id: ID, seed: FIELD },
  [FIELD]: { [FIELD]: [FIELD, { host: HOST }] },
};

const MESSAGE_EXTRAS = {
  annotations: [{ type: 'url_citation', url_citation: { url: `https://${HOST}/`, title: FIELD } }],
  thinking_blocks: [{ type: 'thinking', thinking: FIELD, signature: ID }],
  reasoning_details: [{ type: FIELD, id: ID, format: MODEL }],
  audio: { id: ID, data: FIELD, transcript: FIELD, expires_at: 1 },
  images: [{ image_url: { url: `https://${HOST}/` } }],
  function_call: { name: FIELD, arguments: FIELD },
  name: FIELD,
  provider_specific_fields: { [FIELD]: FIELD },
  [FIELD]: FIELD,
};

export const UPSTREAM_HEADERS: Readonly<Record<string, string | string[]>> = {
  server: HOST,
  via: `1.1 ${HOST}`,
  'set-cookie': [`${HEADER}=${ID}; Domain=${HOST}`, `session=${HEADER}`],
  'x-request-id': ID,
  'x-job-id': ID,
  'x-call-id': ID,
  'x-credits-held': HEADER,
  'x-should-retry': HEADER,
  'idempotent-replayed': HEADER,
  'cache-control': `no-store, ${HEADER}`,
  link: `<https://${HOST}/>; rel="${HEADER}"`,
  'retry-after': HEADER,
  'llm_provider-retry-after': HEADER,
  'llm_provider-x-ratelimit-limit': HEADER,
  'openai-organization': HEADER,
  'openai-model': MODEL,
  'x-litellm-model-id': ID,
  'x-litellm-model-api-base': `https://${HOST}`,
  'x-litellm-response-cost': '0.000123',
  'x-litellm-key': KEY,
  [`x-${HEADER}`]: HEADER,
};

/** Of every behaviour, an error that names everything there is to name. */
export function errorBody(message = '', code: string | number = FIELD): object {
  const told = `${ERROR}: ${MODEL} at ${HOST} refused ${KEY} for ${ID}`;
  return {
    error: { message: `${message}${told}`, type: ERROR, param: FIELD, code, ...EXTRAS },
    ...EXTRAS,
  };
}

export function htmlPage(): string {
  return `<html><head><title>${ERROR}</title></head><body>${HOST} ${MODEL} ${KEY}</body></html>`;
}

export const USAGE = {
  prompt_tokens: 9,
  completion_tokens: 5,
  total_tokens: 14,
  prompt_tokens_details: { cached_tokens: 2, [FIELD]: FIELD },
  completion_tokens_details: { reasoning_tokens: 1, [FIELD]: FIELD },
  cost: 0.000123,
  cost_details: { upstream: HOST },
  [FIELD]: FIELD,
};

/** What is the same in a whole answer and in each piece of a streamed one. */
export function envelope(object: string): object {
  return { id: ID, object, created: 1, model: `${MODEL}-2026-01-01`, ...EXTRAS };
}

const token = (text: string): object => ({ token: text, logprob: -0.5, bytes: null, [FIELD]: FIELD });

export function logprobsOf(asked: UpstreamAsked): object {
  if (asked.logprobs !== true) return { logprobs: null };
  const content = [{ ...token(CONTENT), top_logprobs: [token(CONTENT)] }];
  return { logprobs: { content, refusal: null, tokens: [FIELD], [FIELD]: FIELD } };
}

export function toolCallOf(name: string): object {
  const called = { name, arguments: JSON.stringify({ query: CONTENT }), [FIELD]: FIELD };
  return { index: 0, id: ID, type: 'function', function: called, ...EXTRAS };
}

/** The texts of an answer, in the pieces in which a stream has them. */
export function piecesOf(asked: UpstreamAsked, behaviour: string): readonly string[] {
  if (asked.response_format?.type !== 'json_schema') return [`It is ${CONTENT}`, ', and again ', CONTENT];
  return behaviour === 'schema-miss' ? [`{"town":"${CONTENT}"}`] : ['{"city":', `"${CONTENT}"`, '}'];
}

/** A message of the assistant, as it is in a whole answer. */
function messageOf(asked: UpstreamAsked, behaviour: string): object {
  const [tool] = asked.tools ?? [];
  const role = behaviour === 'odd' ? FIELD : 'assistant';
  if (behaviour === 'refusal') return { role, content: null, refusal: CONTENT, ...MESSAGE_EXTRAS };
  if (tool !== undefined) {
    return { role, content: null, tool_calls: [toolCallOf(tool.function.name)], ...MESSAGE_EXTRAS };
  }
  const content = piecesOf(asked, behaviour).join('');
  return { role, content, refusal: null, reasoning_content: CONTENT, ...MESSAGE_EXTRAS };
}

export function finishOf(asked: UpstreamAsked, behaviour: string): string {
  if (behaviour === 'odd') return FIELD;
  return asked.tools === undefined ? 'stop' : 'tool_calls';
}

export function usageOf(behaviour: string): object {
  if (behaviour === 'no-usage') return {};
  return { usage: behaviour === 'bad-cost' ? { ...USAGE, cost: FIELD } : USAGE };
}

/** A whole completion. */
export function completionOf(asked: UpstreamAsked, behaviour: string): object {
  const choices = Array.from({ length: asked.n ?? 1 }, (_, index) => ({
    index: behaviour === 'odd' ? FIELD : index,
    message: messageOf(asked, behaviour),
    ...logprobsOf(asked),
    finish_reason: finishOf(asked, behaviour),
    native_finish_reason: FIELD,
    ...EXTRAS,
  }));
  return { ...envelope('chat.completion'), choices, ...usageOf(behaviour) };
}

/** One choice in a piece of a streamed completion. */
export function choiceOf(delta: object, finish: string | null, others: object = {}): object {
  const beside = { native_finish_reason: FIELD, ...EXTRAS, ...others };
  return { index: 0, delta: { ...delta, ...MESSAGE_EXTRAS }, finish_reason: finish, ...beside };
}

export function embeddingsOf(asked: UpstreamAsked): object {
  const bytes = Buffer.from(new Float32Array(EMBEDDING).buffer);
  const embedding = asked.encoding_format === 'base64' ? bytes.toString('base64') : EMBEDDING;
  const usage = { prompt_tokens: 7, total_tokens: 7, [FIELD]: FIELD };
  const data = [{ object: FIELD, index: 0, embedding, ...EXTRAS }];
  return { ...envelope('list'), data, usage };
}

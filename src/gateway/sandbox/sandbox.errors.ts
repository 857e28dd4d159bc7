import { createHash } from 'node:crypto';

/** OpenAI's shape of an error, as LiteLLM fills it: `code` is the status as text, or null. */
export interface SandboxErrorBody {
  readonly error: {
    readonly message: string;
    readonly type: string | null;
    readonly param: string | null;
    readonly code: string | null;
    readonly provider_specific_fields?: Readonly<Record<string, string>>;
  };
}

/** An answer that is an error. */
export interface ErrorAnswer {
  readonly status: number;
  readonly body: SandboxErrorBody;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Thrown inside the sandbox to end a request with an error answer; the server turns it into one. */
export class SandboxRefusal extends Error {
  constructor(readonly answer: ErrorAnswer) {
    super(answer.body.error.message);
    this.name = 'SandboxRefusal';
  }
}

/**
 * How LiteLLM 1.106 begins the message of a provider's failure, taken down from the process itself: a 403 is
 * no PermissionDeniedError and a 422 no UnprocessableEntityError. All other statuses are an APIError.
 */
const BEGINNINGS: ReadonlyMap<number, string> = new Map([
  [400, 'litellm.BadRequestError'],
  [401, 'litellm.AuthenticationError: AuthenticationError'],
  [404, 'litellm.NotFoundError: NotFoundError'],
  [408, 'litellm.Timeout: Timeout Error'],
  [422, 'litellm.BadRequestError'],
  [429, 'litellm.RateLimitError: RateLimitError'],
  [500, 'litellm.InternalServerError: InternalServerError'],
  [502, 'litellm.BadGatewayError: BadGatewayError'],
  [503, 'litellm.ServiceUnavailableError: ServiceUnavailableError'],
  [504, 'litellm.Timeout: Timeout Error'],
]);

/**
 * The types of failures below 500; from 500 on it is `internal_server_error`. Null, as older versions sent,
 * for 404, 408 and 422: a real proxy in front takes `invalid_request_error` for a 400 whatever the status.
 */
const TYPES: ReadonlyMap<number, string> = new Map([
  [400, 'invalid_request_error'],
  [401, 'authentication_error'],
  [403, 'permission_error'],
  [429, 'throttling_error'],
]);

/** 400: the request itself is wrong. */
export function invalidRequest(message: string, param: string | null = null): ErrorAnswer {
  return errorAnswer(400, message, 'invalid_request_error', param);
}

export function unknownRoute(method: string, path: string): ErrorAnswer {
  return errorAnswer(404, `Invalid URL (${method} ${path})`, 'invalid_request_error');
}

export function bodyTooLarge(maxBytes: number): ErrorAnswer {
  return errorAnswer(413, `The body is larger than ${maxBytes} bytes.`, 'invalid_request_error');
}

/** 500 for a bug of the sandbox, which would otherwise look like a fault that somebody asked for. */
export function internalFailure(error: unknown): ErrorAnswer {
  return errorAnswer(500, `The sandbox failed to answer: ${String(error)}`, 'internal_server_error');
}

/** 401 of the proxy itself, about the key of its own client. LiteLLM sends the word "None" as the param. */
export function proxyAuthError(key: string | null): ErrorAnswer {
  const message =
    key === null
      ? 'Authentication Error, No api key passed in.'
      : `Authentication Error, Invalid proxy server token passed. Received API Key = sk-...${key.slice(-4)}, ` +
        `Key Hash (Token) =${createHash('sha256').update(key).digest('hex')}. ` +
        'Unable to find token in cache or `LiteLLM_VerificationTokenTable`';
  return errorAnswer(401, message, 'auth_error', 'None');
}

/** 401 of a provider that refuses the key of the proxy: nothing that the proxy's client did. */
export function providerAuthError(model: string): ErrorAnswer {
  return providerFailure(401, model, 'Incorrect API key provided: sk-sandb***************0000.');
}

/** 400: LiteLLM does not know the model. It repeats the message beside the usual members. */
export function invalidModel(model: string): ErrorAnswer {
  const message =
    `/chat/completions: Invalid model name passed in model=${model}. ` +
    'Call `/v1/models` to view available models for your key.';
  const { status, body } = invalidRequest(message);
  return { status, body: { error: { ...body.error, provider_specific_fields: { error: message } } } };
}

/** 400: the prompt is too long. A real proxy in front recognizes the sentence and keeps the error's kind. */
export function contextWindowExceeded(model: string): ErrorAnswer {
  return namedFailure(
    400,
    'litellm.ContextWindowExceededError: litellm.BadRequestError: ContextWindowExceededError',
    model,
    "This model's maximum context length is 8192 tokens. Please reduce the length of the messages.",
  );
}

/** 400: the provider refuses the content. A real proxy in front recognizes this sentence too. */
export function contentPolicyViolation(model: string): ErrorAnswer {
  return namedFailure(
    400,
    'litellm.BadRequestError: litellm.ContentPolicyViolationError: ContentPolicyViolationError',
    model,
    'Your request was rejected as a result of the safety system.',
  );
}

/** 429 that says when to come back. */
export function rateLimited(model: string, retryAfterSeconds: number): ErrorAnswer {
  const answer = providerFailure(429, model, 'Too many requests for this simulated account.');
  return { ...answer, headers: { 'retry-after': String(retryAfterSeconds) } };
}

/**
 * A provider's failure as LiteLLM passes it on: with the provider, the model and the proxy's own routing in
 * the message, none of which may reach a team.
 *
 * The detail must not hold "rate limit" or the number of another status: a real proxy in front would go by
 * such words and change the error's kind.
 */
export function providerFailure(
  status: number,
  model: string,
  detail = 'The simulated provider at https://provider.sandbox.invalid failed.',
): ErrorAnswer {
  return namedFailure(status, BEGINNINGS.get(status) ?? 'litellm.APIError: APIError', model, detail);
}

/**
 * What LiteLLM writes as a frame where a provider fails behind the first one, whatever the failure was: taken
 * down from the process itself.
 */
export function failureInStream(): SandboxErrorBody {
  const message =
    'litellm.APIConnectionError: APIConnectionError: SandboxProviderException - ' +
    'The simulated provider at https://provider.sandbox.invalid failed in the middle of its answer.';
  return errorAnswer(500, message, null).body;
}

function namedFailure(status: number, beginning: string, model: string, detail: string): ErrorAnswer {
  const message =
    `${beginning}: SandboxProviderException - ${detail}\n\n` +
    `LiteLLM: model group '${model}' failed with the error above. No fallback was attempted.`;
  const type = TYPES.get(status) ?? (status >= 500 ? 'internal_server_error' : null);
  return errorAnswer(status, message, type);
}

function errorAnswer(
  status: number,
  message: string,
  type: string | null,
  param: string | null = null,
): ErrorAnswer {
  return { status, body: { error: { message, type, param, code: String(status) } } };
}

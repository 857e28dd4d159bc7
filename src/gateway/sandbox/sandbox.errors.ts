import { createHash } from 'node:crypto';

/** OpenAI's shape of an error, as LiteLLM fills it: `code` is the status as text, or null. */
export interface SandboxErrorBody {
  readonly error: {
    readonly message: string;
    readonly type: string | null;
    readonly param: string | null;
    readonly code: string | null;
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

/** The exception that LiteLLM names in front of a provider's failure. Other statuses are an APIError. */
const EXCEPTIONS: ReadonlyMap<number, string> = new Map([
  [400, 'BadRequestError'],
  [401, 'AuthenticationError'],
  [403, 'PermissionDeniedError'],
  [404, 'NotFoundError'],
  [408, 'Timeout'],
  [422, 'UnprocessableEntityError'],
  [429, 'RateLimitError'],
  [500, 'InternalServerError'],
  [502, 'BadGatewayError'],
  [503, 'ServiceUnavailableError'],
]);

/** LiteLLM gives a type to these only; all other failures of providers carry `"type": null`. */
const TYPES: ReadonlyMap<number, string> = new Map([
  [429, 'throttling_error'],
  [503, 'internal_server_error'],
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

/** 400: LiteLLM does not know the model. Its message is a Python dictionary written as text. */
export function invalidModel(model: string): ErrorAnswer {
  const message =
    `{'error': '/chat/completions: Invalid model name passed in model=${model}. ` +
    "Call `/v1/models` to view available models for your key.'}";
  return errorAnswer(400, message, 'None', 'None');
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
    'litellm.ContentPolicyViolationError: litellm.BadRequestError: ContentPolicyViolationError',
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
  const exception = EXCEPTIONS.get(status) ?? 'APIError';
  return namedFailure(status, `litellm.${exception}`, model, detail);
}

function namedFailure(status: number, exception: string, model: string, detail: string): ErrorAnswer {
  const message =
    `${exception}: SandboxProviderException - ${detail} ` +
    `Received Model Group=${model}\nAvailable Model Group Fallbacks=None`;
  return errorAnswer(status, message, TYPES.get(status) ?? null);
}

function errorAnswer(
  status: number,
  message: string,
  type: string | null,
  param: string | null = null,
): ErrorAnswer {
  return { status, body: { error: { message, type, param, code: String(status) } } };
}

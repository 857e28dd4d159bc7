import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import type { AttemptFailure } from './gateway.types.js';
import { classifyUpstreamError, mayHaveSpent, mayTryNextModel, readErrorMessage } from './upstream-error.js';

/** Exchanges recorded with a real LiteLLM proxy; `npm run test:live` holds them against it. */
const FIXTURES = join(import.meta.dirname, '../../test/live/fixtures');

interface Fixture {
  readonly name: string;
  readonly response: { readonly status: number; readonly body: unknown };
}

const recordedErrors = readdirSync(FIXTURES)
  .map((file) => JSON.parse(readFileSync(join(FIXTURES, file), 'utf8')) as Fixture)
  .filter(({ response }) => response.status >= 400);

/** What a recorded error must be taken for. */
const RECORDED: Readonly<Record<string, AttemptFailure>> = {
  'no-service-key': 'service_key_refused',
  'wrong-service-key': 'service_key_refused',
  'unknown-model-name': 'unknown_model',
  'provider-unknown-model-404': 'unknown_model',
  'provider-refuses-request-400': 'request_rejected',
  'provider-error-422': 'request_rejected',
  'provider-content-policy-400': 'request_rejected',
  'provider-context-window-400': 'context_window_exceeded',
  'provider-refuses-key-401': 'provider_key_refused',
  'provider-forbids-403': 'provider_key_refused',
  'provider-rate-limit-429': 'rate_limited',
  'provider-hangs-timeout-1': 'timeout',
  'provider-hangs-in-body-timeout-1': 'timeout',
  'provider-error-500': 'upstream_error',
  'provider-error-503': 'upstream_error',
  'provider-answers-html': 'upstream_error',
  'provider-cuts-body': 'upstream_error',
  'provider-resets-connection': 'upstream_error',
  'retries-in-the-body': 'upstream_error',
};

function classify(status: number, body: unknown): AttemptFailure {
  return classifyUpstreamError(
    status,
    readErrorMessage(typeof body === 'string' ? body : JSON.stringify(body)),
  );
}

function openAiError(message: string, type: string | null = null): object {
  return { error: { message, type, param: null, code: null } };
}

describe('an error that a LiteLLM proxy really answered', () => {
  it('is in the table, and nothing else is', () => {
    expect(recordedErrors.map(({ name }) => name).sort()).toEqual(Object.keys(RECORDED).sort());
  });

  it.each(recordedErrors.map(({ name, response }) => [name, response] as const))(
    '%s is told apart',
    (name, response) => {
      expect(classify(response.status, response.body)).toBe(RECORDED[name]);
    },
  );
});

describe('a provider behind an error', () => {
  /** Recordings in which the provider had the request and nobody read a whole answer. */
  const MAY_HAVE_SPENT = [
    'provider-answers-html',
    'provider-cuts-body',
    'provider-hangs-in-body-timeout-1',
    'provider-hangs-timeout-1',
    'provider-resets-connection',
  ];

  it('may have worked and billed where its answer was lost, although the proxy writes a cost of 0', () => {
    const spenders = recordedErrors.filter(({ response }) => {
      const message = readErrorMessage(JSON.stringify(response.body));
      return mayHaveSpent(classifyUpstreamError(response.status, message), message);
    });

    expect(spenders.map(({ name }) => name).sort()).toEqual(MAY_HAVE_SPENT);
  });

  it.each(['upstream request timeout', 'Read timed out.', 'Connection error.'])(
    'may have billed behind the words "%s" of whatever stands in between',
    (message) => {
      expect(mayHaveSpent('upstream_error', message)).toBe(true);
    },
  );

  it.each<AttemptFailure>(['request_rejected', 'unknown_model', 'rate_limited', 'service_key_refused'])(
    'has not worked after %s',
    (failure) => {
      expect(mayHaveSpent(failure, 'No.')).toBe(false);
    },
  );
});

describe('an error of an upstream', () => {
  it.each<[string, number, unknown, AttemptFailure]>([
    [
      'of an older proxy about a model it does not know',
      400,
      openAiError(
        "{'error': '/chat/completions: Invalid model name passed in model=gpt-9. Call `/v1/models` to view available models for your key.'}",
        'None',
      ),
      'unknown_model',
    ],
    [
      'of a proxy about its own key',
      401,
      openAiError(
        'Authentication Error, Invalid proxy server token passed. Received API Key = sk-...cafe, Key Hash (Token) =88dc. Unable to find token in cache or `LiteLLM_VerificationTokenTable`',
        'auth_error',
      ),
      'service_key_refused',
    ],
    [
      'of a proxy about a model its key may not use',
      403,
      openAiError(
        "key not allowed to access model. This key can only access models=['a']. Tried to access b",
        'key_model_access_denied',
      ),
      'service_key_refused',
    ],
    [
      "about a provider's bad key",
      401,
      openAiError(
        'litellm.AuthenticationError: AuthenticationError: OpenAIException - Incorrect API key provided: sk-1234',
      ),
      'provider_key_refused',
    ],
    [
      // The recorded 403 without the words of the sandbox inside it: only the outermost name is the proxy's.
      "about a provider's 403",
      403,
      openAiError(
        'litellm.APIError: APIError: OpenAIException - Country, region, or territory not supported',
        'permission_error',
      ),
      'provider_key_refused',
    ],
    [
      'about a full context window',
      400,
      openAiError(
        "litellm.ContextWindowExceededError: litellm.BadRequestError: ContextWindowExceededError: OpenAIException - This model's maximum context length is 8192 tokens.",
      ),
      'context_window_exceeded',
    ],
    [
      'about content',
      400,
      openAiError('litellm.ContentPolicyViolationError: litellm.BadRequestError: rejected'),
      'request_rejected',
    ],
    [
      'about a bad parameter',
      400,
      openAiError('litellm.BadRequestError: OpenAIException - no'),
      'request_rejected',
    ],
    [
      'about an unprocessable body',
      422,
      { detail: [{ loc: ['body'], msg: 'field required' }] },
      'request_rejected',
    ],
    ['about a route that is not there', 404, { detail: 'Not Found' }, 'unknown_model'],
    ['about a slow provider', 408, openAiError('litellm.Timeout: APITimeoutError'), 'timeout'],
    [
      'about limits',
      429,
      openAiError('litellm.RateLimitError: slow down', 'throttling_error'),
      'rate_limited',
    ],
    [
      'of a newer proxy about a spent budget',
      429,
      openAiError('Budget has been exceeded! Current cost: 12.5, Max budget: 10.0', 'budget_exceeded'),
      'rate_limited',
    ],
    ['that is empty', 500, '', 'upstream_error'],
    ['that is HTML', 502, '<html><h1>Bad Gateway</h1></html>', 'upstream_error'],
    ['about a provider that is down', 503, openAiError('litellm.ServiceUnavailableError'), 'upstream_error'],
    ['of a load balancer', 504, 'upstream request timeout', 'upstream_error'],
    ['with a status of its own', 529, openAiError('Overloaded', 'overloaded_error'), 'upstream_error'],
  ])('%s (%d) is told apart', (_, status, body, expected) => {
    expect(classify(status, body)).toBe(expected);
  });

  it('of an older proxy about a spent budget (400) is taken as that of a newer one', () => {
    const body = openAiError(
      'Budget has been exceeded! Current cost: 12.5, Max budget: 10.0',
      'budget_exceeded',
    );

    expect(classify(400, body)).toBe('rate_limited');
  });
});

describe('the text of an error', () => {
  it.each<[string, string, string]>([
    ["OpenAI's", '{"error":{"message":"no","type":"t","code":"400"}}', 'no'],
    ["FastAPI's", '{"detail":"Not Found"}', 'Not Found'],
    ["FastAPI's with an object", '{"detail":{"error":"no such thing"}}', 'no such thing'],
    ['one with a text for an error', '{"error":"no"}', 'no'],
    ['one with the message outside', '{"message":"no","code":7}', 'no'],
    ['one without any of these', '{"status":"bad"}', '{"status":"bad"}'],
    [
      'one of nulls',
      '{"error":null,"detail":null,"message":null}',
      '{"error":null,"detail":null,"message":null}',
    ],
    ['a list', '{"detail":[{"msg":"field required"}]}', '{"detail":[{"msg":"field required"}]}'],
    [
      'endless wrapping',
      `${'{"error":'.repeat(3_000)}1${'}'.repeat(3_000)}`,
      '{"error":'.repeat(223).slice(0, 2_000),
    ],
    ['JSON text', '"no"', 'no'],
    ['JSON null', 'null', 'null'],
    ['JSON false', 'false', 'false'],
    ['HTML', '<h1>no</h1>', '<h1>no</h1>'],
    ['cut JSON', '{"error":{"mess', '{"error":{"mess'],
    ['nothing', '', ''],
  ])('of %s is read', (_, body, expected) => {
    expect(readErrorMessage(body)).toBe(expected);
  });

  it('is cut after 2,000 characters, in JSON and outside of it', () => {
    expect(readErrorMessage('x'.repeat(2_000))).toHaveLength(2_000);
    expect(readErrorMessage('x'.repeat(2_001))).toHaveLength(2_000);
    expect(readErrorMessage(JSON.stringify(openAiError('y'.repeat(5_000))))).toBe('y'.repeat(2_000));
  });
});

describe('the next model', () => {
  /** As the architecture says: on to the next unless the request itself or our own key is refused. */
  const MAY_FOLLOW: Readonly<Record<AttemptFailure, boolean>> = {
    connection_failed: true,
    timeout: true,
    rate_limited: true,
    upstream_error: true,
    unknown_model: true,
    provider_key_refused: true,
    context_window_exceeded: true,
    malformed_answer: true,
    request_rejected: false,
    service_key_refused: false,
    stream_broken: true,
    client_disconnected: false,
  };

  it.each(Object.entries(MAY_FOLLOW) as [AttemptFailure, boolean][])(
    'after %s is tried: %s',
    (failure, may) => {
      expect(mayTryNextModel(failure)).toBe(may);
    },
  );
});

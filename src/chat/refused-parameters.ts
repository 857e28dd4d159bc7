import type { RefusalReasons } from '../common/refused-fields.js';

/** A parameter of OpenAI's or LiteLLM's API that we know and do not take. */
export interface RefusedParameter {
  readonly name: string;
  /** Ends the sentence "… is not supported: ". */
  readonly reason: string;
}

const DEPRECATED_FUNCTIONS = 'it is deprecated, use tools and tool_choice';
const ANSWER_IN_TEXT = 'an answer is text, because one in sound is kept at a provider';
const KEPT_NOWHERE = 'nothing is kept at a provider';
const WHO_ASKS = 'who your user is stays with us, as user_id of the job';
const OUR_FALLBACKS = 'the models of the group are tried in order, and each attempt is accounted for';
const OUR_LIMIT = 'the operator limits how long a call may take';
const OUR_UPSTREAM = 'the upstream is chosen by the operator, through the model group';
const NO_CACHE = 'every call is made, accounted for and charged for what it is';
const OPERATOR = 'it is for the operator of the models to set';
const ONE_PROVIDER = 'it is the language of one provider, and a group may have several';
const REASONING = 'use reasoning_effort';
const SAMPLING = 'it is not part of the chat API that all models share, use temperature or top_p';
const UNKNOWN_PRICE = 'what it costs is not known beforehand';

const REASONS: Readonly<Record<string, readonly string[]>> = {
  [DEPRECATED_FUNCTIONS]: ['functions', 'function_call'],
  [ANSWER_IN_TEXT]: ['audio', 'modalities'],
  [KEPT_NOWHERE]: ['store', 'previous_response_id', 'prompt_cache_retention', 'prompt_cache_options'],
  [WHO_ASKS]: ['user', 'safety_identifier', 'prompt_cache_key', 'end_user_id'],
  ['use call_metadata, which stays with us']: ['metadata', 'litellm_metadata', 'tags'],
  [UNKNOWN_PRICE]: ['service_tier', 'web_search_options', 'prediction', 'speed', 'inference_geo'],
  [OUR_FALLBACKS]: [
    'fallbacks',
    'context_window_fallbacks',
    'content_policy_fallbacks',
    'disable_fallbacks',
    'num_retries',
    'max_retries',
    'retry_policy',
    'model_list',
    'models',
  ],
  [OUR_LIMIT]: ['timeout', 'request_timeout', 'stream_timeout'],
  [OUR_UPSTREAM]: [
    'api_key',
    'api_base',
    'base_url',
    'api_version',
    'api_type',
    'organization',
    'custom_llm_provider',
    'deployment_id',
    'extra_headers',
    'headers',
    'extra_body',
    'extra_query',
    'user_config',
    'litellm_credential_name',
    'proxy_server_request',
    'aws_region_name',
    'vertex_project',
    'vertex_location',
    'vertex_credentials',
  ],
  [NO_CACHE]: ['cache', 'caching', 'mock_response', 'mock_tool_calls', 'mock_testing_fallbacks'],
  [OPERATOR]: [
    'guardrails',
    'policies',
    'prompt_id',
    'prompt_variables',
    'drop_params',
    'additional_drop_params',
    'allowed_openai_params',
    'input_cost_per_token',
    'output_cost_per_token',
    'litellm_call_id',
    'litellm_trace_id',
    'litellm_session_id',
    'litellm_logging_obj',
    'no-log',
    'logger_fn',
    'verbose',
    'moderation',
  ],
  [REASONING]: ['thinking', 'reasoning', 'thinking_config', 'enable_thinking', 'include_reasoning'],
  [SAMPLING]: [
    'top_k',
    'min_p',
    'top_a',
    'typical_p',
    'repetition_penalty',
    'length_penalty',
    'use_beam_search',
    'min_tokens',
  ],
  [ONE_PROVIDER]: [
    'safety_settings',
    'safe_prompt',
    'context_management',
    'cache_control',
    'cached_content',
    'provider',
    'plugins',
    'transforms',
    'route',
    'guided_json',
    'guided_regex',
    'guided_choice',
    'guided_grammar',
    'chat_template_kwargs',
    'ignore_eos',
    'mcp_servers',
    'container',
    'betas',
  ],
  ['it belongs to the text completion API, use n']: ['best_of'],
  ['it belongs to the text completion API, use messages']: ['prompt', 'suffix', 'echo'],
  ['it belongs to the responses API, use messages']: ['input', 'instructions', 'conversation'],
  ['it belongs to the responses API, use max_completion_tokens']: ['max_output_tokens'],
  ['it belongs to the responses API, use response_format and verbosity']: ['text'],
  ['it belongs to another API, use stop']: ['stop_sequences', 'stop_token_ids'],
  ['it belongs to another API, send a message of the role system']: ['system'],
  ['every call is made at once and its answer waited for']: ['background', 'batch'],
};

/** Each with its reason, sorted by nothing but the reasons: a name occurs once. */
export const REFUSED_PARAMETERS: readonly RefusedParameter[] = Object.entries(REASONS).flatMap(
  ([reason, names]) => names.map((name) => ({ name, reason })),
);

/**
 * What a door refuses by name: all that is known here, less what it takes itself.
 *
 * @param taken names that are fields of the door's own request
 */
export function refusedParametersWithout(...taken: readonly string[]): RefusalReasons {
  return new Map(
    REFUSED_PARAMETERS.filter(({ name }) => !taken.includes(name)).map(({ name, reason }) => [name, reason]),
  );
}

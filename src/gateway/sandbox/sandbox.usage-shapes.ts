import { isObject, type JsonObject } from './sandbox.json.js';

/** The tokens of one answer by what they cost: no token is in two of these numbers. */
export interface TokenBuckets {
  readonly uncachedInput: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
  readonly audioInput: number;
  readonly imageInput: number;
  /** Without reasoning and sound. */
  readonly output: number;
  readonly reasoning: number;
  readonly audioOutput: number;
}

/** How one provider, or LiteLLM for it, reports usage, beside what it means. */
export interface UsageShape {
  /** As it is on the wire, except that the proxy adds `cost` in a stream. */
  readonly usage: JsonObject;
  readonly truth: TokenBuckets;
  /** Where a stream has it: in a chunk of its own, or in `x_groq` of the last chunk with a choice. */
  readonly place: 'usage' | 'x_groq';
}

export const USAGE_SHAPE_NAMES = [
  'openai',
  'anthropic',
  'anthropic-native',
  'gemini',
  'gemini-native',
  'deepseek',
  'xai',
  'moonshot',
  'openrouter',
  'perplexity',
  'groq',
  'mistral',
] as const;

export type UsageShapeName = (typeof USAGE_SHAPE_NAMES)[number];

const NOTHING: TokenBuckets = {
  uncachedInput: 0,
  cacheRead: 0,
  cacheWrite: 0,
  audioInput: 0,
  imageInput: 0,
  output: 0,
  reasoning: 0,
  audioOutput: 0,
};

/** The numbers of the truth are written by hand, so that a reader of usage is checked against no other reader. */
export const USAGE_SHAPES: Readonly<Record<UsageShapeName, UsageShape>> = {
  // Cached and audio tokens are within prompt_tokens; reasoning, audio and predicted ones in completion_tokens.
  openai: {
    usage: {
      prompt_tokens: 2_006,
      completion_tokens: 300,
      total_tokens: 2_306,
      prompt_tokens_details: { cached_tokens: 1_024, audio_tokens: 100 },
      completion_tokens_details: {
        reasoning_tokens: 128,
        audio_tokens: 40,
        accepted_prediction_tokens: 10,
        rejected_prediction_tokens: 5,
      },
    },
    truth: {
      ...NOTHING,
      uncachedInput: 882,
      cacheRead: 1_024,
      audioInput: 100,
      output: 132,
      reasoning: 128,
      audioOutput: 40,
    },
    place: 'usage',
  },
  // LiteLLM adds what was read from and written to the cache to prompt_tokens.
  anthropic: {
    usage: {
      prompt_tokens: 3_150,
      completion_tokens: 210,
      total_tokens: 3_360,
      prompt_tokens_details: { cached_tokens: 2_000, cache_creation_tokens: 1_000 },
      completion_tokens_details: { reasoning_tokens: 60, text_tokens: 150 },
      cache_creation_input_tokens: 1_000,
      cache_read_input_tokens: 2_000,
    },
    truth: {
      ...NOTHING,
      uncachedInput: 150,
      cacheRead: 2_000,
      cacheWrite: 1_000,
      output: 150,
      reasoning: 60,
    },
    place: 'usage',
  },
  // The maker counts only the rest as input, with the cache beside it.
  'anthropic-native': {
    usage: {
      prompt_tokens: 150,
      completion_tokens: 210,
      total_tokens: 360,
      cache_creation_input_tokens: 1_000,
      cache_read_input_tokens: 2_000,
    },
    truth: { ...NOTHING, uncachedInput: 150, cacheRead: 2_000, cacheWrite: 1_000, output: 210 },
    place: 'usage',
  },
  // LiteLLM takes the cached tokens out of text_tokens and adds the thoughts to completion_tokens.
  gemini: {
    usage: {
      prompt_tokens: 1_500,
      completion_tokens: 530,
      total_tokens: 2_030,
      prompt_tokens_details: { text_tokens: 742, image_tokens: 258, audio_tokens: 100, cached_tokens: 400 },
      completion_tokens_details: { reasoning_tokens: 400, text_tokens: 130 },
    },
    truth: {
      ...NOTHING,
      uncachedInput: 742,
      cacheRead: 400,
      audioInput: 100,
      imageInput: 258,
      output: 130,
      reasoning: 400,
    },
    place: 'usage',
  },
  // The maker's thoughts are in the total alone.
  'gemini-native': {
    usage: { prompt_tokens: 1_000, completion_tokens: 130, total_tokens: 1_530 },
    truth: { ...NOTHING, uncachedInput: 1_000, output: 130, reasoning: 400 },
    place: 'usage',
  },
  deepseek: {
    usage: {
      prompt_tokens: 1_200,
      completion_tokens: 250,
      total_tokens: 1_450,
      prompt_cache_hit_tokens: 1_024,
      prompt_cache_miss_tokens: 176,
      completion_tokens_details: { reasoning_tokens: 90 },
    },
    truth: { ...NOTHING, uncachedInput: 176, cacheRead: 1_024, output: 160, reasoning: 90 },
    place: 'usage',
  },
  // Reasoning is not within completion_tokens, but within the total.
  xai: {
    usage: {
      prompt_tokens: 1_000,
      completion_tokens: 120,
      total_tokens: 1_420,
      prompt_tokens_details: { text_tokens: 1_000, audio_tokens: 0, image_tokens: 0, cached_tokens: 600 },
      completion_tokens_details: {
        reasoning_tokens: 300,
        audio_tokens: 0,
        accepted_prediction_tokens: 0,
        rejected_prediction_tokens: 0,
      },
      num_sources_used: 0,
    },
    truth: { ...NOTHING, uncachedInput: 400, cacheRead: 600, output: 120, reasoning: 300 },
    place: 'usage',
  },
  moonshot: {
    usage: { prompt_tokens: 900, completion_tokens: 110, total_tokens: 1_010, cached_tokens: 512 },
    truth: { ...NOTHING, uncachedInput: 388, cacheRead: 512, output: 110 },
    place: 'usage',
  },
  openrouter: {
    usage: {
      prompt_tokens: 1_940,
      completion_tokens: 160,
      total_tokens: 2_100,
      prompt_tokens_details: { cached_tokens: 600, cache_write_tokens: 100, audio_tokens: 0 },
      completion_tokens_details: { reasoning_tokens: 40 },
      cost: 0.001745,
      is_byok: false,
      cost_details: { upstream_inference_cost: null },
    },
    truth: {
      ...NOTHING,
      uncachedInput: 1_240,
      cacheRead: 600,
      cacheWrite: 100,
      output: 120,
      reasoning: 40,
    },
    place: 'usage',
  },
  perplexity: {
    usage: {
      prompt_tokens: 30,
      completion_tokens: 420,
      total_tokens: 450,
      search_context_size: 'low',
      num_search_queries: 2,
      cost: { input_tokens_cost: 0.00003, output_tokens_cost: 0.00084, request_cost: 0, total_cost: 0.00087 },
    },
    truth: { ...NOTHING, uncachedInput: 30, output: 420 },
    place: 'usage',
  },
  groq: {
    usage: {
      queue_time: 0.037,
      prompt_tokens: 640,
      prompt_time: 0.012,
      completion_tokens: 180,
      completion_time: 0.36,
      total_tokens: 820,
      total_time: 0.372,
    },
    truth: { ...NOTHING, uncachedInput: 640, output: 180 },
    place: 'x_groq',
  },
  mistral: {
    usage: { prompt_tokens: 75, completion_tokens: 130, total_tokens: 205 },
    truth: { ...NOTHING, uncachedInput: 75, output: 130 },
    place: 'usage',
  },
};

export function isUsageShapeName(name: string): name is UsageShapeName {
  return (USAGE_SHAPE_NAMES as readonly string[]).includes(name);
}

/** Whether a provider tells the cost as an object of its own, which no proxy replaces with a number. */
export function hasCostObject({ usage }: UsageShape): boolean {
  return isObject(usage['cost']);
}

import { join } from 'node:path';
import { runCommand } from './server-process.js';

const FOLDER = join(import.meta.dirname, '../live/clients');

/**
 * The official clients heed `x-should-retry`. The other two do not know it, and ask again after any 5xx; LangChain is
 * told to do that once.
 */
export const CLIENTS = [
  {
    name: 'openai for Node',
    script: 'openai-node.mjs',
    tells: { requestId: true, models: true, embeddingModel: true, promptTokens: true },
    encodings: ['base64', 'float'],
    // A chat, a stream, two of a tool and one streamed, a schema twice, embeddings twice, and the one that is left.
    served: 10,
    failing: 2,
    classes: {
      wrongKey: 'AuthenticationError',
      unknownModel: 'PermissionDeniedError',
      badParameter: 'BadRequestError',
      noCredits: 'APIError',
      upstreamFailure: 'InternalServerError',
    },
  },
  {
    name: 'openai for Python',
    script: 'openai_python.py',
    tells: { requestId: true, models: true, embeddingModel: true, promptTokens: true },
    encodings: ['base64', 'float'],
    served: 10,
    failing: 2,
    classes: {
      wrongKey: 'AuthenticationError',
      unknownModel: 'PermissionDeniedError',
      badParameter: 'BadRequestError',
      noCredits: 'APIStatusError',
      upstreamFailure: 'InternalServerError',
    },
  },
  {
    name: 'the AI SDK',
    script: 'ai-sdk.mjs',
    tells: { requestId: true, models: false, embeddingModel: false, promptTokens: true },
    encodings: ['float'],
    // Embeddings once, for it always asks for floats.
    served: 9,
    // Two retries by default, and one request of a client that is told to make none.
    failing: 4,
    classes: {
      wrongKey: 'AI_APICallError',
      unknownModel: 'AI_APICallError',
      badParameter: 'AI_APICallError',
      noCredits: 'AI_APICallError',
      upstreamFailure: 'AI_APICallError',
    },
  },
  {
    name: 'LangChain',
    script: 'langchain.mjs',
    tells: { requestId: false, models: false, embeddingModel: false, promptTokens: false },
    encodings: ['base64', 'float'],
    served: 10,
    failing: 3,
    classes: {
      wrongKey: 'AuthenticationError',
      unknownModel: 'PermissionDeniedError',
      badParameter: 'BadRequestError',
      noCredits: 'APIError',
      upstreamFailure: 'InternalServerError',
    },
  },
];

interface ToldUsage {
  readonly prompt: number;
  readonly completion: number;
  readonly total: number;
}

interface ToldError {
  readonly class: string;
  readonly status: number;
  readonly code: string;
  readonly type: string;
  readonly param: string | null;
  readonly message: string;
}

/** What each script prints; a client that cannot tell something leaves it out. */
export interface Facts {
  readonly chat: {
    readonly id: string;
    readonly model: string;
    readonly content: string;
    readonly finishReason: string;
    readonly usage: ToldUsage;
    readonly requestId?: string | null;
  };
  readonly stream: {
    readonly ids: readonly string[];
    readonly models: readonly string[];
    readonly deltas: number;
    readonly content: string;
    readonly finishReason: string;
    readonly usage: ToldUsage;
  };
  readonly tools: { readonly calls: readonly object[]; readonly id: string; readonly answer: string };
  readonly streamedTools: {
    readonly name: string;
    readonly arguments: object;
    readonly id: string;
    readonly others: number;
    readonly finishReason: string;
  };
  readonly schema: { readonly value: object; readonly streamedValue: object };
  readonly embeddings: {
    readonly model?: string;
    readonly vectors: readonly (readonly number[])[];
    readonly asFloats?: readonly (readonly number[])[];
    readonly promptTokens?: number;
  };
  readonly models?: readonly string[];
  readonly errors: Readonly<Record<string, ToldError | null>>;
  readonly leaving: { readonly deltas: number; readonly isAborted: boolean };
}

/** Where a client goes: all that differs between one server and another. */
export interface Place {
  readonly baseUrl: string;
  readonly key: string;
  readonly penniless?: string;
  readonly chat: string;
  readonly embedding: string;
  readonly failing: string;
  readonly slow: string;
}

/** Runs a client's script to its end. @returns what it says, and all that it wrote */
export async function runClient(
  script: string,
  python: string,
  place: Place,
): Promise<{ facts: Facts; output: string }> {
  const [program, flags] = script.endsWith('.py') ? [python, ['-B']] : [process.execPath, []];
  const { code, output } = await runCommand(program, [...flags, join(FOLDER, script)], {
    OPENAI_BASE_URL: place.baseUrl,
    OPENAI_API_KEY: place.key,
    MODEL: place.chat,
    EMBEDDING_MODEL: place.embedding,
    FAILING_MODEL: place.failing,
    SLOW_MODEL: place.slow,
    ...(place.penniless !== undefined && { PENNILESS_KEY: place.penniless }),
  });
  // Warnings of the clients come before it.
  const last = output.trimEnd().split('\n').at(-1) ?? '';
  if (code !== 0 || !last.startsWith('{'))
    throw new Error(`The client ended with ${String(code)}:\n${output}`);
  return { facts: JSON.parse(last) as Facts, output };
}

/** What must be the same wherever a client goes. */
export function sameEverywhere({
  chat,
  stream,
  tools,
  streamedTools,
  schema,
  embeddings,
  leaving,
}: Facts): object {
  const told = ({ content, finishReason, usage }: Facts['chat'] | Facts['stream']): object => ({
    content,
    finishReason,
    usage,
  });
  return {
    chat: told(chat),
    stream: told(stream),
    tools: { calls: tools.calls, answer: tools.answer },
    streamedTools: { ...streamedTools, id: null },
    schema,
    embeddings: { ...embeddings, model: null },
    leaving,
  };
}

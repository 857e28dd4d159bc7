// The AI SDK with its provider for APIs in OpenAI's shape.
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { embedMany, generateText, isStepCount, Output, RetryError, streamText, tool } from 'ai';
import {
  BAD_TOOL_NAME,
  BASE_URL,
  CHUNKS_BEFORE_LEAVING,
  City,
  CITY_QUESTION,
  EMBEDDING_MODEL,
  errorOf,
  FAILING_MODEL,
  KEY,
  MODEL,
  PENNILESS_KEY,
  printFacts,
  QUESTION,
  SLOW_MODEL,
  TEXTS,
  TOOL_DESCRIPTION,
  TOOL_QUESTION,
  ToolArguments,
  UNKNOWN_MODEL,
  WEATHER,
  WRONG_KEY,
} from './scenario.mjs';

// Both switches are off unless said, for servers that cannot do it.
const providerWith = (apiKey) =>
  createOpenAICompatible({
    name: 'jobs',
    baseURL: BASE_URL,
    apiKey,
    includeUsage: true,
    supportsStructuredOutputs: true,
  });
const provider = providerWith(KEY);
const model = provider(MODEL);

async function chat() {
  const { text, finishReason, usage, response } = await generateText({ model, prompt: QUESTION });
  return {
    id: response.id,
    model: response.modelId,
    content: text,
    finishReason,
    usage: toUsage(usage),
    requestId: response.headers['x-request-id'] ?? null,
  };
}

async function stream() {
  const result = streamText({ model, prompt: QUESTION });
  const deltas = [];
  for await (const delta of result.textStream) deltas.push(delta);
  const response = await result.response;
  return {
    ids: [response.id],
    models: [response.modelId],
    deltas: deltas.length,
    content: deltas.join(''),
    finishReason: await result.finishReason,
    usage: toUsage(await result.usage),
  };
}

function weatherTool(execute) {
  return { get_weather: tool({ description: TOOL_DESCRIPTION, inputSchema: ToolArguments, execute }) };
}

/** The SDK's own loop: it calls the function and sends its result. */
async function tools() {
  const calls = [];
  const { text, steps } = await generateText({
    model,
    prompt: TOOL_QUESTION,
    tools: weatherTool((given) => {
      calls.push(given);
      return WEATHER;
    }),
    stopWhen: isStepCount(3),
  });
  return { calls, id: steps[0].toolCalls[0].toolCallId, answer: text };
}

/** The pieces of the arguments, put together by the SDK. */
async function streamedTools() {
  const result = streamText({ model, prompt: TOOL_QUESTION, tools: weatherTool() });
  const [call, ...others] = await result.toolCalls;
  return {
    name: call.toolName,
    arguments: call.input,
    id: call.toolCallId,
    others: others.length,
    // In the words of the others.
    finishReason: (await result.finishReason).replace('tool-calls', 'tool_calls'),
  };
}

async function schema() {
  const request = { model, prompt: CITY_QUESTION, output: Output.object({ schema: City, name: 'city' }) };
  const { output } = await generateText(request);
  return { value: output, streamedValue: await streamText(request).output };
}

/** It always asks for floats. */
async function embeddings() {
  const { embeddings: vectors, usage } = await embedMany({
    model: provider.embeddingModel(EMBEDDING_MODEL),
    values: TEXTS,
  });
  return { vectors, promptTokens: usage.tokens };
}

async function errors() {
  const ask = (apiKey, modelName, options = {}) =>
    errorOf(
      () => generateText({ model: providerWith(apiKey)(modelName), prompt: QUESTION, ...options }),
      tell,
    );
  return {
    wrongKey: await ask(WRONG_KEY, MODEL),
    unknownModel: await ask(KEY, UNKNOWN_MODEL),
    badParameter: await ask(KEY, MODEL, { tools: { [BAD_TOOL_NAME]: weatherTool().get_weather } }),
    noCredits: PENNILESS_KEY === undefined ? null : await ask(PENNILESS_KEY, MODEL),
    upstreamFailure: await ask(KEY, FAILING_MODEL),
    upstreamFailureWithoutRetries: await ask(KEY, FAILING_MODEL, { maxRetries: 0 }),
  };
}

function tell(error) {
  const last = RetryError.isInstance(error) ? error.lastError : error;
  const { code, type, param } = last.data.error;
  return {
    class: last.name,
    status: last.statusCode,
    ...{ code, type, param },
    message: last.message,
    isRetryable: last.isRetryable,
  };
}

async function leaving() {
  const controller = new AbortController();
  const { fullStream } = streamText({
    model: provider(SLOW_MODEL),
    prompt: QUESTION,
    abortSignal: controller.signal,
  });
  let [deltas, isAborted] = [0, false];
  for await (const { type } of fullStream) {
    if (type === 'text-delta') deltas += 1;
    if (type === 'abort') isAborted = true;
    if (deltas === CHUNKS_BEFORE_LEAVING) controller.abort();
  }
  return { deltas, isAborted };
}

function toUsage({ inputTokens: prompt, outputTokens: completion, totalTokens: total }) {
  return { prompt, completion, total };
}

await printFacts({ chat, stream, tools, streamedTools, schema, embeddings, errors, leaving });

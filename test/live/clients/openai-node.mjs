// The official client for Node.
import OpenAI from 'openai';
import { zodFunction, zodResponseFormat } from 'openai/helpers/zod';
import {
  BAD_TOOL_NAME,
  CHUNKS_BEFORE_LEAVING,
  City,
  CITY_QUESTION,
  EMBEDDING_MODEL,
  errorOf,
  FAILING_MODEL,
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

// It reads OPENAI_BASE_URL and OPENAI_API_KEY by itself.
const client = new OpenAI();
const messages = [{ role: 'user', content: QUESTION }];

async function chat() {
  const completion = await client.chat.completions.create({ model: MODEL, messages });
  const [choice] = completion.choices;
  return {
    id: completion.id,
    model: completion.model,
    content: choice.message.content,
    finishReason: choice.finish_reason,
    usage: toUsage(completion.usage),
    requestId: completion._request_id ?? null,
  };
}

async function stream() {
  const chunks = await client.chat.completions.create({
    model: MODEL,
    messages,
    stream: true,
    stream_options: { include_usage: true },
  });
  const facts = { ids: [], models: [], deltas: [], finishReason: null, usage: null };
  for await (const chunk of chunks) {
    facts.ids.push(chunk.id);
    facts.models.push(chunk.model);
    const [choice] = chunk.choices;
    if (choice?.delta.content) facts.deltas.push(choice.delta.content);
    facts.finishReason ??= choice?.finish_reason ?? null;
    if (chunk.usage) facts.usage = toUsage(chunk.usage);
  }
  const { ids, models, deltas, ...rest } = facts;
  return {
    ids: [...new Set(ids)],
    models: [...new Set(models)],
    deltas: deltas.length,
    content: deltas.join(''),
    ...rest,
  };
}

/** The client's own loop: it calls the function and sends its result. */
async function tools() {
  const calls = [];
  const runner = client.chat.completions.runTools({
    model: MODEL,
    messages: [{ role: 'user', content: TOOL_QUESTION }],
    tools: [
      zodFunction({
        name: 'get_weather',
        description: TOOL_DESCRIPTION,
        parameters: ToolArguments,
        function: (given) => {
          calls.push(given);
          return WEATHER;
        },
      }),
    ],
  });
  const answer = await runner.finalContent();
  const call = runner.messages.find((message) => message.tool_calls)?.tool_calls[0];
  return { calls, id: call.id, answer };
}

/** The pieces of the arguments, put together by the client. */
async function streamedTools() {
  const runner = client.chat.completions.stream({
    model: MODEL,
    messages: [{ role: 'user', content: TOOL_QUESTION }],
    tools: [zodFunction({ name: 'get_weather', description: TOOL_DESCRIPTION, parameters: ToolArguments })],
  });
  const { choices } = await runner.finalChatCompletion();
  const [call, ...others] = choices[0].message.tool_calls;
  return {
    name: call.function.name,
    arguments: call.function.parsed_arguments,
    id: call.id,
    others: others.length,
    finishReason: choices[0].finish_reason,
  };
}

async function schema() {
  const request = {
    model: MODEL,
    messages: [{ role: 'user', content: CITY_QUESTION }],
    response_format: zodResponseFormat(City, 'city'),
  };
  const parsed = await client.chat.completions.parse(request);
  const streamed = await client.chat.completions.stream(request).finalChatCompletion();
  return {
    value: parsed.choices[0].message.parsed,
    streamedValue: streamed.choices[0].message.parsed,
  };
}

/** By default the client asks for base64 and gives numbers. */
async function embeddings() {
  const request = { model: EMBEDDING_MODEL, input: TEXTS };
  const byDefault = await client.embeddings.create(request);
  const asFloats = await client.embeddings.create({ ...request, encoding_format: 'float' });
  return {
    model: byDefault.model,
    vectors: byDefault.data.map(({ embedding }) => embedding),
    asFloats: asFloats.data.map(({ embedding }) => embedding),
    promptTokens: byDefault.usage.prompt_tokens,
  };
}

async function models() {
  const ids = [];
  for await (const { id } of client.models.list()) ids.push(id);
  return ids;
}

async function errors() {
  const ask = (options, request = {}) =>
    errorOf(
      () => new OpenAI(options).chat.completions.create({ model: MODEL, messages, ...request }),
      ({ constructor, status, code, type, param, message }) => ({
        class: constructor.name,
        ...{ status, code, type, param, message },
      }),
    );
  return {
    wrongKey: await ask({ apiKey: WRONG_KEY }),
    unknownModel: await ask({}, { model: UNKNOWN_MODEL }),
    badParameter: await ask({}, { tools: [{ type: 'function', function: { name: BAD_TOOL_NAME } }] }),
    noCredits: PENNILESS_KEY === undefined ? null : await ask({ apiKey: PENNILESS_KEY }),
    upstreamFailure: await ask({}, { model: FAILING_MODEL }),
    upstreamFailureOfStream: await ask({}, { model: FAILING_MODEL, stream: true }),
  };
}

async function leaving() {
  const chunks = await client.chat.completions.create({ model: SLOW_MODEL, messages, stream: true });
  let deltas = 0;
  for await (const chunk of chunks) {
    if (chunk.choices[0]?.delta.content) deltas += 1;
    if (deltas === CHUNKS_BEFORE_LEAVING) chunks.controller.abort();
  }
  return { deltas, isAborted: chunks.controller.signal.aborted };
}

function toUsage({ prompt_tokens: prompt, completion_tokens: completion, total_tokens: total }) {
  return { prompt, completion, total };
}

await printFacts({ chat, stream, tools, streamedTools, schema, embeddings, models, errors, leaving });

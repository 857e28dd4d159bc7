// LangChain's chat model and embeddings for OpenAI, which use the official client for Node.
import { HumanMessage, ToolMessage } from '@langchain/core/messages';
import { tool } from '@langchain/core/tools';
import { ChatOpenAI, OpenAIEmbeddings } from '@langchain/openai';
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

// Both read OPENAI_BASE_URL and OPENAI_API_KEY by themselves.
const model = new ChatOpenAI({ model: MODEL });

async function chat() {
  const answer = await model.invoke(QUESTION);
  return {
    id: answer.id,
    model: answer.response_metadata.model_name,
    content: answer.content,
    finishReason: answer.response_metadata.finish_reason,
    usage: toUsage(answer.usage_metadata),
  };
}

async function stream() {
  const ids = new Set();
  const deltas = [];
  let whole = null;
  for await (const chunk of await model.stream(QUESTION)) {
    // LangChain's chunk of the usage has none.
    if (chunk.id !== undefined) ids.add(chunk.id);
    if (chunk.content !== '') deltas.push(chunk.content);
    whole = whole === null ? chunk : whole.concat(chunk);
  }
  return {
    ids: [...ids],
    models: [whole.response_metadata.model_name],
    deltas: deltas.length,
    content: deltas.join(''),
    finishReason: whole.response_metadata.finish_reason,
    usage: toUsage(whole.usage_metadata),
  };
}

const calls = [];
const weatherTool = tool(
  (given) => {
    calls.push(given);
    return WEATHER;
  },
  { name: 'get_weather', description: TOOL_DESCRIPTION, schema: ToolArguments },
);

async function tools() {
  const withTools = model.bindTools([weatherTool]);
  const question = new HumanMessage(TOOL_QUESTION);
  const first = await withTools.invoke([question]);
  const [call] = first.tool_calls;
  const result = await weatherTool.invoke(call);
  const isMessage = ToolMessage.isInstance(result);
  const last = await withTools.invoke([question, first, result]);
  return { calls: isMessage ? calls : [], id: call.id, answer: last.content };
}

/** The pieces of the arguments, put together by LangChain. */
async function streamedTools() {
  let whole = null;
  for await (const chunk of await model.bindTools([weatherTool]).stream(TOOL_QUESTION)) {
    whole = whole === null ? chunk : whole.concat(chunk);
  }
  const [call, ...others] = whole.tool_calls;
  return {
    name: call.name,
    arguments: call.args,
    id: call.id,
    others: others.length,
    finishReason: whole.response_metadata.finish_reason,
  };
}

async function schema() {
  const structured = model.withStructuredOutput(City, { name: 'city', method: 'jsonSchema', strict: true });
  let streamedValue = null;
  for await (const value of await structured.stream(CITY_QUESTION)) streamedValue = value;
  return { value: await structured.invoke(CITY_QUESTION), streamedValue };
}

/** It leaves the encoding to the official client. */
async function embeddings() {
  const byDefault = new OpenAIEmbeddings({ model: EMBEDDING_MODEL });
  const asFloats = new OpenAIEmbeddings({ model: EMBEDDING_MODEL, encodingFormat: 'float' });
  return {
    vectors: await byDefault.embedDocuments(TEXTS),
    asFloats: await asFloats.embedDocuments(TEXTS),
  };
}

async function errors() {
  const ask = (options, callOptions = {}) =>
    errorOf(() => new ChatOpenAI({ model: MODEL, ...options }).invoke(QUESTION, callOptions), tell);
  return {
    wrongKey: await ask({ apiKey: WRONG_KEY }),
    unknownModel: await ask({ model: UNKNOWN_MODEL }),
    badParameter: await ask({}, { tools: [{ type: 'function', function: { name: BAD_TOOL_NAME } }] }),
    noCredits: PENNILESS_KEY === undefined ? null : await ask({ apiKey: PENNILESS_KEY }),
    // Left alone, it asks seven times, which takes more than a minute.
    upstreamFailure: await ask({ model: FAILING_MODEL, maxRetries: 1 }),
    upstreamFailureWithoutRetries: await ask({ model: FAILING_MODEL, maxRetries: 0 }),
  };
}

function tell({ constructor, status, code, type, param, message }) {
  return { class: constructor.name, ...{ status, code, type, param, message } };
}

async function leaving() {
  const controller = new AbortController();
  let deltas = 0;
  try {
    const chunks = await new ChatOpenAI({ model: SLOW_MODEL }).stream(QUESTION, {
      signal: controller.signal,
    });
    for await (const { content } of chunks) {
      if (content !== '') deltas += 1;
      if (deltas === CHUNKS_BEFORE_LEAVING) controller.abort();
    }
  } catch (error) {
    if (!controller.signal.aborted) throw error;
  }
  return { deltas, isAborted: controller.signal.aborted };
}

function toUsage({ input_tokens: prompt, output_tokens: completion, total_tokens: total }) {
  return { prompt, completion, total };
}

await printFacts({ chat, stream, tools, streamedTools, schema, embeddings, errors, leaving });

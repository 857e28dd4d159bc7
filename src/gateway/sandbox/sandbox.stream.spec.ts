import { describe, expect, it } from '@jest/globals';
import { billOf } from './sandbox.bill.js';
import { complete } from './sandbox.completion.js';
import { failureInStream } from './sandbox.errors.js';
import { type FaultPlan, NO_FAULTS } from './sandbox.faults.js';
import { readChatRequest } from './sandbox.request.js';
import { payloadsOf } from './sandbox.stream.js';
import { loadTokenizer } from './sandbox.tokens.js';

const tokenizer = await loadTokenizer();

const TOOLS = [
  {
    type: 'function',
    function: {
      name: 'get_weather',
      parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
    },
  },
  { type: 'function', function: { name: 'get_time' } },
];

interface Delta {
  role?: string;
  content?: string | null;
  reasoning_content?: string;
  tool_calls?: {
    index: number;
    id?: string;
    type?: string;
    function: { name?: string; arguments: string };
  }[];
}

interface StreamedChoice {
  index: number;
  delta: Delta;
  logprobs?: { content: { token: string; bytes: number[] }[] };
  finish_reason: string | null;
}

function streamFor(changes: Record<string, unknown>, plan: FaultPlan = NO_FAULTS) {
  const messages = [{ role: 'user', content: 'Hello world' }];
  const request = readChatRequest({ model: 'm', messages, stream: true, ...changes });
  const completion = complete(tokenizer, request, plan);
  const bill = billOf('m', completion.usage, null);
  const lateError = failureInStream();
  const source = { id: 'chatcmpl-1', createdSeconds: 1, model: 'm', completion, bill, lateError };
  const payloads = [...payloadsOf({ ...source, isUsageIncluded: request.isUsageIncluded, plan })];
  const choices = payloads
    .filter((payload) => payload !== '[DONE]')
    .flatMap((payload) => (JSON.parse(payload) as { choices: StreamedChoice[] }).choices);
  return { completion, choices };
}

function joined(choices: readonly StreamedChoice[], member: 'content' | 'reasoning_content'): string {
  return choices.map(({ delta }) => delta[member] ?? '').join('');
}

describe('the chunks of a stream', () => {
  it('hold all choices in turn, each with its role, its text and its end', () => {
    const { completion, choices } = streamFor({ n: 3 });

    expect(choices.slice(0, 6).map(({ index }) => index)).toEqual([0, 1, 2, 0, 1, 2]);
    for (const index of [0, 1, 2]) {
      const own = choices.filter((choice) => choice.index === index);
      expect(own[0]?.delta.role).toBe('assistant');
      expect(joined(own, 'content')).toBe(completion.choices[index]?.text);
      expect(own.map((choice) => choice.finish_reason).filter((reason) => reason !== null)).toEqual(['stop']);
      expect(own.at(-1)?.finish_reason).toBe('stop');
    }
  });

  it('hold a few words each', () => {
    const { choices } = streamFor({});
    for (const { delta } of choices.slice(1, -1)) {
      expect(delta.content?.trim().split(/\s+/).length).toBeLessThanOrEqual(3);
    }
    expect(choices.length).toBeGreaterThan(10);
  });

  it('hold the reasoning before the text', () => {
    const { completion, choices } = streamFor({ reasoning_effort: 'low' });
    const kinds = choices.slice(1, -1).map(({ delta }) => Object.keys(delta)[0]);

    expect(joined(choices, 'reasoning_content')).toBe(completion.choices[0]?.reasoning);
    expect(joined(choices, 'content')).toBe(completion.choices[0]?.text);
    expect(kinds.lastIndexOf('reasoning_content')).toBeLessThan(kinds.indexOf('content'));
  });

  it('hold calls of tools with the id and the name first, then the arguments in pieces', () => {
    const messages = [{ role: 'user', content: 'get_weather and get_time' }];
    const { completion, choices } = streamFor({ messages, tools: TOOLS });
    const parts = choices.flatMap(({ delta }) => delta.tool_calls ?? []);

    expect(choices[0]?.delta).toEqual({ role: 'assistant', content: null });
    expect(choices.at(-1)?.finish_reason).toBe('tool_calls');
    completion.choices[0]?.toolCalls.forEach((call, index) => {
      const [first, ...rest] = parts.filter((part) => part.index === index);
      expect(first).toEqual({
        index,
        id: call.id,
        type: 'function',
        function: { name: call.name, arguments: '' },
      });
      for (const part of rest) expect(Object.keys(part)).toEqual(['index', 'function']);
      expect(rest.map((part) => part.function.arguments).join('')).toBe(call.arguments);
    });
    expect(parts.filter(({ index }) => index === 0).length).toBeGreaterThan(2);
  });

  it('hold the log probabilities of exactly their tokens, whole characters in the end', () => {
    const messages = [{ role: 'user', content: '\u{1f9ec}\u{1fae0}\u{1f9ff}' }];
    const { completion, choices } = streamFor({ messages, logprobs: true });
    const told = choices.flatMap((choice) => choice.logprobs?.content ?? []);

    expect(joined(choices, 'content')).toBe(completion.choices[0]?.text);
    expect(told).toEqual(completion.choices[0]?.logprobs);
    expect(choices.map(({ delta }) => delta.content ?? '').some((part) => part.includes('\ufffd'))).toBe(
      false,
    );
  });

  it('are a role and an end for an empty text, and break there too', () => {
    const stop = ['T', 'Y', 'H'];
    const whole = streamFor({ stop });
    const cut = streamFor({ stop }, { ...NO_FAULTS, ending: { kind: 'cut' } });

    expect(whole.choices.map(({ finish_reason: reason }) => reason)).toEqual([null, 'stop']);
    expect(cut.choices.map(({ finish_reason: reason }) => reason)).toEqual([null]);
  });
});

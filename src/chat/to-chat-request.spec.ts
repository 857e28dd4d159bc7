import { describe, expect, it } from '@jest/globals';
import { getMetadataStorage } from 'class-validator';
import { DomainError } from '../common/domain-error.js';
import { ChatParametersRequest } from './chat-parameters.request.js';
import { toAnswerSchema, toChatRequest, toStreaming } from './to-chat-request.js';

const MESSAGES = [{ role: 'user', content: 'Hi' }];

function make(fields: object): ChatParametersRequest {
  return Object.assign(new ChatParametersRequest(), { messages: MESSAGES, ...fields });
}

describe('what goes to the upstream', () => {
  it('is every field of a request but the messages and how the answer is to come', () => {
    const fields = getMetadataStorage()
      .getTargetValidationMetadatas(ChatParametersRequest, '', false, false)
      .map(({ propertyName }) => propertyName);
    const distinct = [...new Set(fields)].sort();
    const { parameters } = toChatRequest(make(Object.fromEntries(distinct.map((name) => [name, []]))));

    const kept = ['messages', 'stream', 'stream_options'];
    expect(Object.keys(parameters).sort()).toEqual(distinct.filter((name) => !kept.includes(name)));
    expect(distinct.length).toBeGreaterThan(20);
  });

  it('is what was given, zero and false included, and not what is null', () => {
    const request = make({ temperature: 0, logprobs: false, seed: null, stop: undefined, model: 'ChatFast' });
    expect(toChatRequest(request)).toEqual({
      messages: MESSAGES,
      parameters: { temperature: 0, logprobs: false },
    });
    expect(Object.keys(toChatRequest(request).parameters)).toEqual(['temperature', 'logprobs']);
  });

  it('are the very messages that came, where nothing is null in them', () => {
    const messages = [{ role: 'user', content: [{ type: 'text', text: 'Hi' }] }];
    expect(toChatRequest(make({ messages })).messages[0]).toBe(messages[0]);
  });

  it('are messages without nulls, but for their content', () => {
    const image = { type: 'image_url', image_url: { url: 'https://example.com/a.png', detail: null } };
    const text = { type: 'text', text: 'Hi' };
    const call = { id: 'call_1', type: 'function', function: { name: 'measure', arguments: 'null' } };
    const messages = [
      { role: 'user', content: [text, image], name: null, audio: null },
      { role: 'assistant', content: null, refusal: null, function_call: null, tool_calls: [call] },
    ];
    const sent = toChatRequest(make({ messages })).messages;
    expect(JSON.parse(JSON.stringify(sent))).toEqual([
      {
        role: 'user',
        content: [text, { type: 'image_url', image_url: { url: 'https://example.com/a.png' } }],
      },
      { role: 'assistant', content: null, tool_calls: [call] },
    ]);
    expect(messages[0]).toHaveProperty('name', null);
  });

  it('keeps a null where it is a value: in the schemas of tools and answers', () => {
    const schema = { type: ['string', 'null'], default: null, enum: ['a', null] };
    const { parameters } = toChatRequest(
      make({
        tools: [{ type: 'function', function: { name: 'a', description: null, parameters: schema } }],
        response_format: { type: 'json_schema', json_schema: { name: 'b', schema, strict: null } },
      }),
    );
    expect(parameters).toEqual({
      tools: [{ type: 'function', function: { name: 'a', parameters: schema } }],
      response_format: { type: 'json_schema', json_schema: { name: 'b', schema } },
    });
  });

  it('has no null beside the type of an answer', () => {
    const { parameters } = toChatRequest(make({ response_format: { type: 'text', json_schema: null } }));
    expect(parameters).toEqual({ response_format: { type: 'text' } });
  });
});

describe('how the answer is to come', () => {
  it.each([
    [{}, false, false],
    [{ stream: null }, false, false],
    [{ stream: false }, false, false],
    [{ stream: true }, true, false],
    [{ stream: true, stream_options: { include_usage: null } }, true, false],
    [{ stream: true, stream_options: { include_usage: true } }, true, true],
  ])('with %j: streamed %s, with usage %s', (fields, isStreamed, includesUsage) => {
    expect(toStreaming(make(fields))).toEqual({ isStreamed, includesUsage });
  });
});

describe('the schema of the answer', () => {
  it('is there with the form json_schema only', () => {
    const format = { type: 'json_schema', json_schema: { name: 'a', schema: { type: 'number' } } };
    expect(toAnswerSchema(make({}))).toBeNull();
    expect(toAnswerSchema(make({ response_format: { type: 'json_object' } }))).toBeNull();
    expect(toAnswerSchema(make({ response_format: format }))?.check('7').missed).toBeNull();
  });

  it('is refused if it is none', () => {
    const format = { type: 'json_schema', json_schema: { name: 'a', schema: { type: 'numeral' } } };
    expect(() => toAnswerSchema(make({ response_format: format }))).toThrow(DomainError);
  });
});

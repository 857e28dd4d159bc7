import { describe, expect, it } from '@jest/globals';
import { DomainError } from '../../common/domain-error.js';
import type { ChunkChoice } from '../../gateway/gateway.types.js';
import type { CallEvent, StreamedChat } from '../../jobs/job-calls.types.js';
import { responseFrames } from './response-frames.js';

interface Event {
  readonly type: string;
  readonly sequence_number: number;
  readonly [field: string]: unknown;
}

const USAGE = { promptTokens: 7, completionTokens: 5, totalTokens: 12, cachedTokens: 3, reasoningTokens: 2 };
const END: CallEvent = { kind: 'end', usage: USAGE, schemaMiss: null, completion: null };

function chunk(delta: ChunkChoice['delta'], finish_reason: string | null = null): CallEvent {
  return { kind: 'chunk', chunk: { choices: [{ index: 0, delta, finish_reason }] } };
}

function callOf(batches: readonly (readonly CallEvent[])[]): StreamedChat {
  return {
    jobId: 'job',
    callId: 'call',
    startedAt: new Date(0),
    modelGroup: 'ChatFast',
    credits: { held: 1, available: null },
    events: (async function* () {
      for (const batch of batches) yield await Promise.resolve(batch);
    })(),
    leave: () => undefined,
  };
}

/** The events of a stream, whose frames are read as the SSE standard has it. */
async function eventsOf(...batches: readonly (readonly CallEvent[])[]): Promise<Event[]> {
  let text = '';
  for await (const frames of responseFrames({ model: 'ChatFast', input: 'Hi' }, callOf(batches)))
    text += frames;
  return text
    .trimEnd()
    .split('\n\n')
    .map((frame) => {
      const [, name, data] = /^event: (.+)\ndata: (.+)$/.exec(frame)!;
      const event = JSON.parse(data!) as Event;
      expect(event.type).toBe(name);
      return event;
    });
}

const typesOf = (events: readonly Event[]): string[] => events.map(({ type }) => type);

describe('a streamed response', () => {
  it('of text has the events of the API in their order, numbered from 0', async () => {
    const events = await eventsOf(
      [chunk({ role: 'assistant' }), chunk({ content: 'Hel' })],
      [chunk({ content: 'lo.' })],
      [chunk({}, 'stop')],
      [END],
    );

    expect(typesOf(events)).toEqual([
      'response.created',
      'response.in_progress',
      'response.output_item.added',
      'response.content_part.added',
      'response.output_text.delta',
      'response.output_text.delta',
      'response.output_text.done',
      'response.content_part.done',
      'response.output_item.done',
      'response.completed',
    ]);
    expect(events.map((event) => event.sequence_number)).toEqual(events.map((_, index) => index));
    expect(events[0]).toMatchObject({
      response: { id: 'resp_call', status: 'in_progress', output: [], usage: null },
    });
    expect(events[2]).toMatchObject({
      output_index: 0,
      item: { id: 'msg_call', status: 'in_progress', content: [] },
    });
    const place = { item_id: 'msg_call', output_index: 0, content_index: 0 };
    expect(events[4]).toEqual({
      type: 'response.output_text.delta',
      ...place,
      delta: 'Hel',
      logprobs: [],
      sequence_number: 4,
    });
    expect(events[6]).toMatchObject({ ...place, text: 'Hello.' });
    expect(events[9]).toMatchObject({
      response: {
        status: 'completed',
        output: [{ id: 'msg_call', status: 'completed', content: [{ type: 'output_text', text: 'Hello.' }] }],
        usage: { input_tokens: 7, output_tokens: 5, total_tokens: 12 },
      },
    });
  });

  it('of functions tells the pieces of each, in turn', async () => {
    const call = (index: number, rest: object) => chunk({ tool_calls: [{ index, function: {}, ...rest }] });
    const events = await eventsOf(
      [
        call(0, { id: 'a', type: 'function', function: { name: 'f', arguments: '' } }),
        call(1, { id: 'b', type: 'function', function: { name: 'g', arguments: '{' } }),
        call(0, { function: { arguments: '{}' } }),
        call(1, { function: { arguments: '}' } }),
        chunk({}, 'tool_calls'),
      ],
      [END],
    );

    expect(typesOf(events).slice(2)).toEqual([
      'response.output_item.added',
      'response.output_item.added',
      'response.function_call_arguments.delta',
      'response.function_call_arguments.delta',
      'response.function_call_arguments.delta',
      'response.function_call_arguments.done',
      'response.output_item.done',
      'response.function_call_arguments.done',
      'response.output_item.done',
      'response.completed',
    ]);
    expect(events[2]).toMatchObject({
      output_index: 0,
      item: { id: 'fc_call_0', call_id: 'a', name: 'f', arguments: '' },
    });
    expect(events[5]).toMatchObject({ item_id: 'fc_call_0', output_index: 0, delta: '{}' });
    expect(events[9]).toMatchObject({ item_id: 'fc_call_1', output_index: 1, name: 'g', arguments: '{}' });
    expect(events.at(-1)).toMatchObject({
      response: {
        output: [
          { call_id: 'a', arguments: '{}' },
          { call_id: 'b', arguments: '{}' },
        ],
      },
    });
  });

  it('has text before functions as an item of its own', async () => {
    const tool = { index: 0, id: 'a', type: 'function' as const, function: { name: 'f', arguments: '{}' } };
    const events = await eventsOf([chunk({ content: 'I look.' }), chunk({ tool_calls: [tool] }), END]);
    expect(events.at(-1)).toMatchObject({
      response: { output: [{ type: 'message' }, { type: 'function_call', id: 'fc_call_0' }] },
    });
  });

  it('tells a refusal', async () => {
    const events = await eventsOf([chunk({ refusal: 'No.' }), END]);
    expect(typesOf(events)).toEqual(
      expect.arrayContaining(['response.refusal.delta', 'response.refusal.done']),
    );
    expect(events.at(-1)).toMatchObject({
      response: { output: [{ content: [{ type: 'refusal', refusal: 'No.' }] }] },
    });
  });

  it('that was cut by its limit ends as incomplete', async () => {
    const events = await eventsOf([chunk({ content: 'Hel' }), chunk({}, 'length'), END]);
    expect(events.at(-1)).toMatchObject({
      type: 'response.incomplete',
      response: { status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } },
    });
  });

  it('that breaks off ends as failed, in our words', async () => {
    const error = new DomainError({ kind: 'upstream_failed', code: 'c', message: 'The answer broke off.' });
    const events = await eventsOf([chunk({ content: 'Hel' })], [{ kind: 'failed', error }]);
    expect(events.at(-1)).toMatchObject({
      type: 'response.failed',
      response: {
        status: 'failed',
        error: { code: 'server_error', message: 'The answer broke off.' },
        output: [{ status: 'incomplete', content: [{ text: 'Hel' }] }],
      },
    });
  });

  it('leaves out reasoning, and sends nothing for a read without news', async () => {
    const events = await eventsOf([chunk({ reasoning_content: 'hm' })], [chunk({ content: 'Hi' })], [END]);
    expect(JSON.stringify(events)).not.toContain('hm');
  });
});

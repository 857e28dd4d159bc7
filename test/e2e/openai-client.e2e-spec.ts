import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import OpenAI, {
  APIError,
  AuthenticationError,
  BadRequestError,
  ConflictError,
  InternalServerError,
  NotFoundError,
  PermissionDeniedError,
} from 'openai';
import {
  completeJob,
  expectBalance,
  makeJob,
  makeTeam,
  MESSAGES,
  type TestTeam,
} from '../support/factories.js';
import { ledgerDifferences, startTestService, type TestService } from '../support/service.js';

const PARAMETERS = {
  type: 'object',
  properties: { number: { type: 'integer' } },
  required: ['number'],
  additionalProperties: false,
};
const QUESTION = 'Please call get_invoice for me';

let service: TestService;

beforeAll(async () => {
  service = await startTestService({ environment: { ATTEMPT_TIMEOUT_MS: '3000' } });
});
afterAll(async () => {
  expect(await ledgerDifferences(service.database.url)).toEqual([]);
  await service.stop();
});

/** The official client, of which only the base URL and the key are set. */
function clientOf(team: Pick<TestTeam, 'key'>, base = '/v1'): OpenAI {
  return new OpenAI({ baseURL: `${service.baseUrl}${base}`, apiKey: team.key });
}

/** The group, under which the client knows its model. */
const modelOf = (team: TestTeam): string => team.groups[0]!;

async function errorOf(work: Promise<unknown>): Promise<APIError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof APIError) return error;
    throw error;
  }
  throw new Error('Nothing was refused.');
}

describe('the official client', () => {
  it.each(['/v1', ''])('chats, with and without a stream, at the base URL %j', async (base) => {
    const team = await makeTeam(service);
    const { chat } = clientOf(team, base);
    const model = modelOf(team);
    const whole = await chat.completions.create({ model, messages: [...MESSAGES] });
    const stream = await chat.completions.create({ model, messages: [...MESSAGES], stream: true });
    let text = '';
    for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? '';
    expect(text).toBe(whole.choices[0]?.message.content);
    expect(whole).toMatchObject({ model, object: 'chat.completion' });
    await expectBalance(service, team, { allocated: 100, used: 2, held: 0 });
  });

  it('puts a stream together to a completion with its usage', async () => {
    const team = await makeTeam(service);
    const runner = clientOf(team).chat.completions.stream({
      model: modelOf(team),
      messages: [...MESSAGES],
      stream_options: { include_usage: true },
    });
    const completion = await runner.finalChatCompletion();
    expect(completion.choices[0]?.finish_reason).toBe('stop');
    expect(completion.usage?.total_tokens).toBeGreaterThan(0);
  });

  it('runs tools until the model has its answer', async () => {
    const team = await makeTeam(service);
    const asked: unknown[] = [];
    const runner = clientOf(team).chat.completions.runTools({
      model: modelOf(team),
      messages: [{ role: 'user', content: QUESTION }],
      tools: [
        {
          type: 'function',
          function: {
            name: 'get_invoice',
            description: 'Finds an invoice',
            parameters: PARAMETERS,
            parse: JSON.parse,
            function: (given: unknown) => {
              asked.push(given);
              return 'paid-4711';
            },
          },
        },
      ],
    });
    expect(await runner.finalContent()).toContain('paid-4711');
    expect(asked).toEqual([{ number: expect.any(Number) }]);
  });

  it('gets responses, and sends what they gave back', async () => {
    const team = await makeTeam(service);
    const { responses } = clientOf(team);
    const model = modelOf(team);
    const tools: OpenAI.Responses.FunctionTool[] = [
      { type: 'function', name: 'get_invoice', parameters: PARAMETERS, strict: true },
    ];
    const input: OpenAI.Responses.ResponseInput = [{ role: 'user', content: QUESTION }];
    const first = await responses.create({ model, input, tools });
    const call = first.output.find((item) => item.type === 'function_call');
    if (call === undefined) throw new Error('No function was called.');
    const output = { type: 'function_call_output' as const, call_id: call.call_id, output: 'paid-4711' };
    const second = await responses.create({ model, input: [...input, call, output], tools });
    expect(second.output_text).toContain('paid-4711');
  });

  it.each([
    ['text', 'Hello', undefined],
    [
      'functions',
      QUESTION,
      { type: 'function' as const, name: 'get_invoice', parameters: PARAMETERS, strict: true },
    ],
  ])('puts a streamed response of %s together as its last event has it', async (_, input, tool) => {
    const team = await makeTeam(service);
    const stream = clientOf(team).responses.stream({
      model: modelOf(team),
      input,
      ...(tool && { tools: [tool] }),
    });
    let last: OpenAI.Responses.Response | undefined;
    let pieces = '';
    for await (const event of stream) {
      if (event.type === 'response.output_text.delta') pieces += event.delta;
      if (event.type === 'response.function_call_arguments.delta') pieces += event.delta;
      if (event.type === 'response.completed') last = event.response;
    }
    const final = await stream.finalResponse();
    expect(final.output).toMatchObject(last?.output ?? []);
    const [item] = final.output;
    expect(pieces).toBe(item?.type === 'function_call' ? item.arguments : final.output_text);
    expect(pieces).not.toBe('');
  });

  it('embeds, and unpacks what it asked for', async () => {
    const team = await makeTeam(service);
    // Without a format the client asks for base64, and gives numbers.
    const input = { model: modelOf(team), input: 'Hello', dimensions: 8 };
    const packed = await clientOf(team).embeddings.create(input);
    const plain = await clientOf(team).embeddings.create({ ...input, encoding_format: 'float' });
    expect(packed.data[0]?.embedding).toHaveLength(8);
    for (const [index, number] of (plain.data[0]?.embedding ?? []).entries()) {
      expect(packed.data[0]?.embedding[index]).toBeCloseTo(number, 6);
    }
  });

  it('lists the models, and gets one', async () => {
    const team = await makeTeam(service);
    const models = await clientOf(team).models.list();
    expect(models.data.map(({ id }) => id)).toEqual([modelOf(team)]);
    expect((await clientOf(team).models.retrieve(modelOf(team))).id).toBe(modelOf(team));
  });

  it('works in a job by its base URL, or by a header', async () => {
    const team = await makeTeam(service);
    const jobId = await makeJob(service, team);
    const body = { model: modelOf(team), messages: [...MESSAGES] };
    await clientOf(team, `/api/jobs/${jobId}/openai/v1`).chat.completions.create(body);
    await clientOf(team).chat.completions.create(body, { headers: { 'X-Job-Id': jobId } });
    const done = await service
      .call('post', `/api/jobs/${jobId}/complete`, { key: team.key, body: { status: 'completed' } })
      .expect(200);
    expect(done.body.costs.total_calls).toBe(2);
    await expectBalance(service, team, { allocated: 100, used: 1, held: 0 });
  });

  it('tells its errors apart, with their code, field and request', async () => {
    const team = await makeTeam(service);
    const { completions } = clientOf(team).chat;
    const body = { model: modelOf(team), messages: [...MESSAGES] };

    const invalid = await errorOf(completions.create({ ...body, temperature: 3 }));
    expect(invalid).toBeInstanceOf(BadRequestError);
    expect(invalid).toMatchObject({
      param: 'temperature',
      code: 'validation_failed',
      type: 'invalid_request_error',
    });
    expect(invalid.requestID).toMatch(/^[\w-]+$/);
    expect(invalid.message).toContain('temperature');

    const wrongKey = await errorOf(clientOf({ key: 'sk-nonsense' }).chat.completions.create(body));
    expect(wrongKey).toBeInstanceOf(AuthenticationError);
    const forbidden = await errorOf(completions.create({ ...body, model: 'other' }));
    expect(forbidden).toBeInstanceOf(PermissionDeniedError);
    expect(await errorOf(clientOf(team).files.list())).toBeInstanceOf(NotFoundError);
  });

  it('never repeats by itself what would spend again, or be refused again', async () => {
    const body = { messages: [...MESSAGES] };
    const failing = await makeTeam(service, { groups: [['fault-status-500']] });
    const served = service.sandbox.servedCount();
    const failed = await errorOf(
      clientOf(failing).chat.completions.create({ model: modelOf(failing), ...body }),
    );
    expect(failed).toBeInstanceOf(InternalServerError);
    expect(service.sandbox.servedCount()).toBe(served + 1);

    const ended = await makeTeam(service);
    const jobId = await makeJob(service, ended);
    await completeJob(service, ended, jobId);
    const late = await errorOf(
      clientOf(ended).chat.completions.create(
        { model: modelOf(ended), ...body },
        { headers: { 'X-Job-Id': jobId } },
      ),
    );
    expect(late).toBeInstanceOf(ConflictError);

    const poor = await makeTeam(service, { credits: 0 });
    const refused = await errorOf(clientOf(poor).chat.completions.create({ model: modelOf(poor), ...body }));
    expect(refused).toMatchObject({ status: 402, code: 'insufficient_credits', type: 'insufficient_quota' });
  });

  it('throws in the middle of a stream that breaks off', async () => {
    const team = await makeTeam(service, { groups: [['fault-late-error']] });
    const stream = await clientOf(team).chat.completions.create({
      model: modelOf(team),
      messages: [...MESSAGES],
      stream: true,
    });
    const read = (async () => {
      let count = 0;
      for await (const _ of stream) count += 1;
      return count;
    })();
    expect(await errorOf(read)).toMatchObject({ type: 'api_error' });
  });
});

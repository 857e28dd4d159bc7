import { describe, expect, it } from '@jest/globals';
import { findToolCallsProblem } from './message-tool-calls.js';
import { findToolChoiceProblem, findToolsProblem } from './tools.validator.js';

const tool = (declared: object): object => ({ type: 'function', function: { name: 'measure', ...declared } });
const named = (count: number): object[] =>
  Array.from({ length: count }, (_, index) => tool({ name: `tool_${String(index)}` }));

describe('tools', () => {
  it.each([
    [[tool({})]],
    [[tool({ description: null, parameters: null, strict: null })]],
    [[tool({ description: '', parameters: {}, strict: true })]],
    [[tool({ name: '0-_Z', parameters: { type: 'object', properties: { a: { enum: [null] } } } })]],
    [named(128)],
  ])('may be %j', (tools) => {
    expect(findToolsProblem(tools)).toBeNull();
  });

  it.each([undefined, 'measure', {}, [], named(129)])('are not %j', (tools) => {
    expect(findToolsProblem(tools)).toBe('tools must be an array of 1 to 128 functions');
  });

  it.each<[string, unknown, string]>([
    ['text', 'measure', ' must be {"type": "function", "function": {"name": "…"}}'],
    [
      'one of a provider',
      { type: 'web_search_preview' },
      '.type must be function: other kinds of tools are not supported',
    ],
    ['without a function', { type: 'function' }, '.function must be an object with a name'],
    ['in the shape of another API', { type: 'function', name: 'measure' }, '.name is not a field of a tool'],
    [
      'without a name',
      tool({ name: undefined }),
      '.function.name must be 1 to 64 letters, digits, "_" or "-"',
    ],
    [
      'of a name with a dot',
      tool({ name: 'a.b' }),
      '.function.name must be 1 to 64 letters, digits, "_" or "-"',
    ],
    [
      'of a name of 65 letters',
      tool({ name: 'a'.repeat(65) }),
      '.function.name must be 1 to 64 letters, digits, "_" or "-"',
    ],
    [
      'of a name with the end of a line',
      tool({ name: 'measure\n' }),
      '.function.name must be 1 to 64 letters, digits, "_" or "-"',
    ],
    ['described by a number', tool({ description: 7 }), '.function.description must be text'],
    [
      'of parameters in an array',
      tool({ parameters: [] }),
      '.function.parameters must be a JSON schema object',
    ],
    [
      'of parameters with broken Unicode',
      tool({ parameters: { description: '\ud800' } }),
      '.function.parameters holds broken Unicode',
    ],
    ['of a strictness in words', tool({ strict: 'yes' }), '.function.strict must be true or false'],
    [
      'with another field',
      tool({ cache_control: {} }),
      '.function.cache_control is not a field of a function',
    ],
    ['declared before', tool({ name: 'first' }), '.function.name "first" is the name of an earlier tool'],
  ])('refuse one that is %s', (_, second, expected) => {
    expect(findToolsProblem([tool({ name: 'first' }), second])).toBe(`tools.1${expected}`);
  });
});

describe('the choice of a tool', () => {
  const tools = [tool({})];
  const chosen = (name: unknown): object => ({ type: 'function', function: { name } });
  const RULE =
    'tool_choice must be one of none, auto, required, or {"type": "function", "function": {"name": "…"}}';

  it.each(['none', 'auto', 'required', chosen('measure')])('may be %j', (choice) => {
    expect(findToolChoiceProblem(choice, { tools })).toBeNull();
  });

  it.each([
    'any',
    7,
    {},
    [],
    { type: 'function' },
    { type: 'function', name: 'measure' },
    { type: 'tool', function: { name: 'measure' } },
    { ...chosen('measure'), more: 1 },
    chosen(7),
  ])('is not %j', (choice) => {
    expect(findToolChoiceProblem(choice, { tools })).toBe(RULE);
  });

  it.each([{ tools }, { tools: null }, { tools: 'measure' }, { tools: [null, 7, {}] }])(
    'must be one of %j',
    (request) => {
      expect(findToolChoiceProblem(chosen('weigh'), request)).toBe(
        'tool_choice names "weigh", which is none of the tools',
      );
    },
  );
});

describe('the tool calls of an assistant', () => {
  const call = (more: object = {}): object => ({
    id: 'call_1',
    type: 'function',
    function: { name: 'measure', arguments: '{"a":1}' },
    ...more,
  });
  const calling = (more: object): object => call({ function: { name: 'measure', arguments: '', ...more } });

  it('have arguments as text, even if it is no JSON: the model wrote it', () => {
    expect(findToolCallsProblem([call(), calling({ arguments: '{"a":' })])).toBeNull();
  });

  it.each<[string, unknown, string]>([
    ['no object', null, ' must be an object with id, type and function'],
    ['without an id', call({ id: undefined }), '.id must be text of 1 to 65536 characters'],
    ['with an empty id', call({ id: '' }), '.id must be text of 1 to 65536 characters'],
    [
      'with an id that is too long',
      call({ id: 'a'.repeat(65_537) }),
      '.id must be text of 1 to 65536 characters',
    ],
    [
      'of another type',
      call({ type: 'custom' }),
      '.type must be function: other kinds of tools are not supported',
    ],
    ['of no function', call({ function: null }), '.function must be an object with name and arguments'],
    ['of a bad name', calling({ name: 'a b' }), '.function.name must be 1 to 64 letters, digits, "_" or "-"'],
    [
      'of arguments as an object',
      calling({ arguments: {} }),
      '.function.arguments must be text: the JSON that the model wrote, as it wrote it',
    ],
    ['of another field', call({ place: 0 }), '.place is not a field of a tool call'],
    [
      'of more than a function',
      calling({ output: '' }),
      '.function.output is not a field of a called function',
    ],
  ])('refuse one that is %s', (_, second, expected) => {
    expect(findToolCallsProblem([call(), second])).toBe(`.tool_calls.1${expected}`);
  });

  it('are 128 at most', () => {
    const many = (count: number): object[] => Array.from({ length: count }, () => call());
    expect(findToolCallsProblem(many(128))).toBeNull();
    expect(findToolCallsProblem(many(129))).toBe('.tool_calls must be an array of 1 to 128 tool calls');
  });
});

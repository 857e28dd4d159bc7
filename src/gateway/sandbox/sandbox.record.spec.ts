import { describe, expect, it } from '@jest/globals';
import { recordedHeaders, type SandboxServed, ServedRecord } from './sandbox.record.js';

function served(model: string): SandboxServed {
  return { model, path: '/v1/chat/completions', headers: {}, body: null, status: 200 };
}

describe('the record of what was served', () => {
  it('keeps the last 1,000 requests and counts all', () => {
    const record = new ServedRecord();
    for (let index = 0; index < 1_002; index++) record.add(served(`m${String(index)}`), 10);

    expect(record.served).toHaveLength(1_000);
    expect(record.served[0]?.model).toBe('m2');
    expect(record.served.at(-1)?.model).toBe('m1001');
    expect(record.count()).toBe(1_002);
    expect(record.count('m0')).toBe(1);
  });

  it('keeps less of large bodies, but always the newest one', () => {
    const record = new ServedRecord();
    const thirtyMib = 30 * 1024 * 1024;
    for (const model of ['a', 'b', 'c']) record.add(served(model), thirtyMib);
    expect(record.served.map(({ model }) => model)).toEqual(['b', 'c']);

    record.add(served('d'), 100 * 1024 * 1024);
    expect(record.served.map(({ model }) => model)).toEqual(['d']);

    record.add(served('e'), 1);
    expect(record.served.map(({ model }) => model)).toEqual(['e']);
  });

  it('counts by model, whatever a model is called', () => {
    const record = new ServedRecord();
    for (const model of ['a', 'a', '__proto__', '']) record.add(served(model), 1);

    expect(record.count('a')).toBe(2);
    expect(record.count('b')).toBe(0);
    expect(record.count()).toBe(4);
    expect(Object.entries(record.countsByModel())).toEqual([
      ['a', 2],
      ['__proto__', 1],
    ]);
  });

  it('forgets everything when it is cleared, in the same array', () => {
    const record = new ServedRecord();
    const array = record.served;
    record.add(served('a'), 1);
    record.clear();

    expect(record.count()).toBe(0);
    expect(record.count('a')).toBe(0);
    expect(record.served).toBe(array);
    expect(array).toEqual([]);
  });

  it('holds no credentials', () => {
    const headers = recordedHeaders({
      authorization: 'Bearer sk-secret',
      'x-api-key': 'sk-secret',
      'x-litellm-tags': 'team:a',
      'set-cookie': ['a', 'b'],
    });

    expect(headers).toEqual({
      authorization: '[redacted]',
      'x-api-key': '[redacted]',
      'x-litellm-tags': 'team:a',
      'set-cookie': 'a, b',
    });
  });
});

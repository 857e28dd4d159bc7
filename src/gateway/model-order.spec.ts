import { describe, expect, it } from '@jest/globals';
import type { CandidateModel } from './gateway.types.js';
import { planCall } from './model-order.js';

function model(modelName: string, priority: number, weight = 1): CandidateModel {
  return { modelName, priority, weight };
}

function plan(models: readonly CandidateModel[], waits: Readonly<Record<string, number>> = {}, point = 0) {
  return planCall(
    models,
    (modelName) => waits[modelName] ?? 0,
    () => point,
  );
}

describe('the order of models', () => {
  it('is by priority, wherever they stand', () => {
    const models = [model('c', 2), model('a', 0), model('b', 1)];

    expect(plan(models)).toEqual({ kind: 'ready', modelNames: ['a', 'b', 'c'] });
  });

  it.each([
    [0, ['a', 'b', 'c']],
    [0.49, ['a', 'b', 'c']],
    [0.5, ['b', 'a', 'c']],
    [0.79, ['b', 'c', 'a']],
    [0.8, ['c', 'b', 'a']],
    [0.999, ['c', 'b', 'a']],
  ])('among equals is drawn by weight: at %d it is %j', (point, expected) => {
    // Stretches of 0.5, 0.3 and 0.2. Without c: 0.625 and 0.375. Without b: 0.714 and 0.286.
    const models = [model('a', 0, 5), model('b', 0, 3), model('c', 0, 2)];

    expect(plan(models, {}, point)).toEqual({ kind: 'ready', modelNames: expected });
  });

  it('gives each its share of the first places', () => {
    const models = [model('a', 0, 3), model('b', 0, 1)];
    const firsts = Array.from({ length: 100 }, (_, i) => plan(models, {}, i / 100)).map((drawn) =>
      drawn.kind === 'ready' ? drawn.modelNames[0] : null,
    );

    expect(firsts.filter((name) => name === 'a')).toHaveLength(75);
  });

  it('leaves out who must wait while others need not', () => {
    const models = [model('a', 0), model('b', 1), model('c', 1)];

    expect(plan(models, { a: 500, c: 1 })).toEqual({ kind: 'ready', modelNames: ['b'] });
  });

  it('is none while all must wait, with the time of the first', () => {
    expect(plan([model('a', 0), model('b', 1)], { a: 500, b: 200 })).toEqual({
      kind: 'resting',
      retryAfterMs: 200,
    });
  });
});

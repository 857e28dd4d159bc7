import { describe, expect, it } from '@jest/globals';
import { findEmbeddingInputProblem } from './embedding-input.validator.js';

describe('what is to be embedded', () => {
  it.each([
    ['a text', 'Hello'],
    ['texts', ['a', 'b']],
    ['tokens', [1, 2, 3]],
    ['tokens of texts', [[1], [2, 3]]],
    ['as many texts as allowed', Array.from({ length: 2_048 }, () => 'a')],
    ['more tokens than texts are allowed', Array.from({ length: 3_000 }, () => 1)],
  ])('may be %s', (_, value) => {
    expect(findEmbeddingInputProblem(value)).toBeNull();
  });

  it.each<[string, unknown, string]>([
    ['nothing', undefined, 'input must be text'],
    ['an empty text', '', 'input must not be empty'],
    ['an empty array', [], 'input must be text'],
    ['an object', {}, 'input must be text'],
    ['an empty text among others', ['a', ''], 'input.1 must not be empty'],
    ['a number among texts', ['a', 1], 'input.1 must be text'],
    ['a text among tokens', [1, 'a'], 'input must hold tokens'],
    ['a fraction', [1.5], 'input must hold tokens'],
    ['a negative token', [-1], 'input must hold tokens'],
    ['no tokens', [[1], []], 'input.1 must be text or an array of tokens'],
    ['a text among arrays', [[1], 'a'], 'input.1 must be text or an array of tokens'],
    ['broken Unicode', ['a\ud800'], 'input.0 holds broken Unicode'],
    ['too many texts', Array.from({ length: 2_049 }, () => 'a'), 'input must hold at most 2048'],
  ])('may not be %s', (_, value, problem) => {
    expect(findEmbeddingInputProblem(value)).toContain(problem);
  });
});

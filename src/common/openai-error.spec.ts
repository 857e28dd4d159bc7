import { describe, expect, it } from '@jest/globals';
import { DomainError, type ErrorKind, invalidField, validationFailed } from './domain-error.js';
import { toErrorAnswer } from './error-answer.js';
import { fromProblem, openAiStatusOf, OPENAI_TYPE_OF_KIND, toOpenAiError } from './openai-error.js';
import { STATUS_OF_KIND, toProblem } from './problem.js';

const kinds = Object.keys(STATUS_OF_KIND) as ErrorKind[];

describe('an error in the shape of OpenAI', () => {
  it('has the four members that its clients read', () => {
    const error = new DomainError({
      kind: 'conflict',
      code: 'job_not_open',
      message: 'The job has ended.',
      details: { secret: 1 },
    });

    expect(toOpenAiError(error)).toEqual({
      error: { message: 'The job has ended.', type: 'conflict_error', param: null, code: 'job_not_open' },
    });
  });

  it('names the field that was refused', () => {
    expect(toOpenAiError(invalidField('model', 'required', 'is required'))).toEqual({
      error: {
        message: 'model is required.',
        type: 'invalid_request_error',
        param: 'model',
        code: 'validation_failed',
      },
    });
  });

  it('names several fields in its message, up to a number', () => {
    const fields = ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((field) => ({
      field,
      code: 'unknown_field',
      message: `${field} is not a field`,
    }));

    expect(toOpenAiError(validationFailed(fields.slice(0, 2))).error).toMatchObject({
      message: 'a is not a field; b is not a field.',
      param: 'a',
    });
    expect(toOpenAiError(validationFailed(fields)).error.message).toBe(
      'a is not a field; b is not a field; c is not a field; d is not a field; e is not a field; and 2 more.',
    );
  });

  it('calls missing credits what clients do not ask for again', () => {
    const error = { kind: 'insufficient_credits', code: 'c', message: 'm', details: {} } as const;
    expect(toOpenAiError(error).error.type).toBe('insufficient_quota');
    expect(openAiStatusOf(error)).toBe(402);
  });

  it('has 400 where problems have 422, and the same status otherwise', () => {
    const differing = kinds.filter((kind) => openAiStatusOf({ kind }) !== STATUS_OF_KIND[kind]);
    expect(differing).toEqual(['invalid']);
    expect(openAiStatusOf({ kind: 'invalid' })).toBe(400);
  });

  it.each(kinds)('of kind %s is the same one as the problem says', (kind) => {
    const error = new DomainError({ kind, code: 'c', message: 'm' });
    expect(fromProblem(toProblem(error, 'r'))).toEqual(toOpenAiError(error));
    const invalid = invalidField('a', 'x', 'is wrong');
    expect(fromProblem(toProblem(invalid, 'r'))).toEqual(toOpenAiError(invalid));
  });

  it('has one type for each status, so that a status can be told by its type', () => {
    const types = Map.groupBy(kinds, (kind) => openAiStatusOf({ kind }));
    for (const ofStatus of types.values()) {
      expect(new Set(ofStatus.map((kind) => OPENAI_TYPE_OF_KIND[kind])).size).toBe(1);
    }
  });
});

describe('the answer to an error', () => {
  const error = invalidField('model', 'required', 'is required');

  it('is JSON as OpenAI has it on its paths', () => {
    const answer = toErrorAnswer(error, { path: '/v1/chat/completions', requestId: 'r' });
    expect(answer).toMatchObject({ status: 400, contentType: 'application/json' });
    expect(JSON.parse(answer.body)).toEqual(toOpenAiError(error));
  });

  it('is a problem document elsewhere', () => {
    const answer = toErrorAnswer(error, { path: '/api/jobs/create', requestId: 'r' });
    expect(answer).toMatchObject({ status: 422, contentType: 'application/problem+json' });
    expect(JSON.parse(answer.body)).toMatchObject({ code: 'validation_failed', request_id: 'r' });
  });
});

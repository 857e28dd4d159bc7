import { describe, expect, it } from '@jest/globals';
import { DO_NOT_RETRY, DomainError, invalidField, validationFailed } from './domain-error.js';

describe('a domain error', () => {
  it('is an error with no details and no headers unless they are given', () => {
    const error = new DomainError({ kind: 'conflict', code: 'job_not_open', message: 'The job has ended.' });

    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({
      name: 'DomainError',
      message: 'The job has ended.',
      kind: 'conflict',
      code: 'job_not_open',
      details: {},
      headers: {},
    });
    expect(error.cause).toBeUndefined();
  });

  it('keeps its cause for the log', () => {
    const cause = new Error('socket');

    expect(new DomainError({ kind: 'internal', code: 'x', message: 'm', cause }).cause).toBe(cause);
  });
});

describe('the advice about retries', () => {
  const withHeaders = (headers: Record<string, string>): DomainError =>
    new DomainError({ kind: 'conflict', code: 'x', message: 'm', headers });

  it.each([
    ['no header', {}, false],
    ['another header', { 'retry-after': '1' }, false],
    ['the header saying true', { 'x-should-retry': 'true' }, false],
    ['the header saying false', { 'x-should-retry': 'false' }, true],
    ['the one constant for it', DO_NOT_RETRY, true],
  ])('with %s forbids one: %s, %s', (_, headers, forbids) => {
    expect(withHeaders(headers).forbidsRetry).toBe(forbids);
  });
});

describe('a failed validation', () => {
  const first = { field: 'name', code: 'is_string', message: 'name must be a string' };
  const second = { field: 'limit', code: 'max', message: 'limit must not be greater than 100' };

  it('says what is wrong with its one field', () => {
    expect(validationFailed([first])).toMatchObject({
      kind: 'invalid',
      code: 'validation_failed',
      message: 'name must be a string.',
      details: { errors: [first] },
    });
  });

  it('says how many more fields there are', () => {
    expect(validationFailed([first, second]).message).toBe('name must be a string (and 1 more, see errors).');
    expect(validationFailed([first, second, second]).message).toBe(
      'name must be a string (and 2 more, see errors).',
    );
  });

  it('lists all fields, in order', () => {
    expect(validationFailed([second, first]).details).toEqual({ errors: [second, first] });
  });

  it('of a field that only a service can judge looks the same', () => {
    expect(invalidField('metadata', 'too_large', 'would be too large')).toMatchObject({
      kind: 'invalid',
      code: 'validation_failed',
      message: 'metadata would be too large.',
      details: {
        errors: [{ field: 'metadata', code: 'too_large', message: 'metadata would be too large' }],
      },
    });
  });
});

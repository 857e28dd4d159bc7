import { describe, expect, it } from '@jest/globals';
import { DO_NOT_RETRY, DomainError, type ErrorKind } from '../common/domain-error.js';
import { isStored } from './stored-errors.js';

const errorOf = (kind: ErrorKind, headers = {}): DomainError =>
  new DomainError({ kind, code: 'code', message: 'Message.', headers });

describe('an error', () => {
  it.each<ErrorKind>(['duplicate', 'forbidden', 'not_found', 'conflict', 'upstream_rejected'])(
    'of the kind %s is stored',
    (kind) => {
      expect(isStored(errorOf(kind))).toBe(true);
      expect(isStored(errorOf(kind, DO_NOT_RETRY))).toBe(true);
    },
  );

  it.each<ErrorKind>(['unauthenticated', 'insufficient_credits', 'invalid'])(
    'of the kind %s is not stored, whatever it says of retries',
    (kind) => {
      expect(isStored(errorOf(kind))).toBe(false);
      expect(isStored(errorOf(kind, DO_NOT_RETRY))).toBe(false);
    },
  );

  it.each<ErrorKind>(['upstream_failed', 'upstream_timeout', 'internal', 'unavailable'])(
    'of the kind %s is stored only after something has left',
    (kind) => {
      expect(isStored(errorOf(kind))).toBe(false);
      expect(isStored(errorOf(kind, { 'x-should-retry': 'true' }))).toBe(false);
      expect(isStored(errorOf(kind, DO_NOT_RETRY))).toBe(true);
    },
  );
});

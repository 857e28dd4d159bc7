/** What went wrong, as far as a caller has to act differently. The filter maps each kind to one status. */
export type ErrorKind =
  | 'malformed'
  | 'invalid'
  | 'duplicate'
  | 'unauthenticated'
  | 'forbidden'
  | 'not_found'
  | 'method_not_allowed'
  | 'conflict'
  | 'insufficient_credits'
  | 'too_large'
  | 'unsupported_media_type'
  | 'upstream_rejected'
  | 'upstream_failed'
  | 'upstream_timeout'
  | 'unavailable'
  | 'internal';

/** One field of a request that was refused. */
export interface FieldError {
  readonly field: string;
  readonly code: string;
  readonly message: string;
}

export interface DomainErrorOptions {
  readonly kind: ErrorKind;
  /** Stable, snake_case; clients branch on it. */
  readonly code: string;
  /** Shown to the caller: says what to do, names no model, provider or host. */
  readonly message: string;
  /** Further members of the problem document. */
  readonly details?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** For the log only, never for the caller. */
  readonly cause?: unknown;
}

/** OpenAI's clients retry 409 and 5xx by themselves; this header tells them not to spend again. */
export const DO_NOT_RETRY = { 'x-should-retry': 'false' } as const;

/** The only error that services throw on purpose; everything else is a bug and answers 500. */
export class DomainError extends Error {
  readonly kind: ErrorKind;
  readonly code: string;
  readonly details: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, string>>;

  constructor(options: DomainErrorOptions) {
    super(options.message, { cause: options.cause });
    this.name = 'DomainError';
    this.kind = options.kind;
    this.code = options.code;
    this.details = options.details ?? {};
    this.headers = options.headers ?? {};
  }

  /** The same error, with headers that tell more of what it is about. */
  withHeaders(headers: Readonly<Record<string, string>>): DomainError {
    const { kind, code, message, details, cause } = this;
    return new DomainError({ kind, code, message, details, cause, headers: { ...headers, ...this.headers } });
  }

  /** Whether a client is told not to send the request again. With a 5xx: something has left for a provider. */
  get forbidsRetry(): boolean {
    return this.headers['x-should-retry'] === DO_NOT_RETRY['x-should-retry'];
  }
}

/** Refused fields that one answer lists; its `detail` counts them all. */
const MAX_FIELD_ERRORS = 50;

/** @param errors at least one refused field */
export function validationFailed(errors: readonly FieldError[]): DomainError {
  const first = errors[0];
  const others = errors.length - 1;
  const more = others > 0 ? ` (and ${String(others)} more, see errors)` : '';
  return new DomainError({
    kind: 'invalid',
    code: 'validation_failed',
    message: `${first?.message ?? 'The request is not valid'}${more}.`,
    details: { errors: errors.slice(0, MAX_FIELD_ERRORS) },
  });
}

/** One field that only a service can judge, reported like every other validation error. */
export function invalidField(field: string, code: string, message: string): DomainError {
  return validationFailed([{ field, code, message: `${field} ${message}` }]);
}

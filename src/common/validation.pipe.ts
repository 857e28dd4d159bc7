import { ValidationPipe } from '@nestjs/common';
import type { ValidationError } from 'class-validator';
import { type FieldError, validationFailed } from './domain-error.js';
import { findRefusalReason } from './refused-fields.js';

/** Validates every body and query: unknown fields are errors, and every refused field is named. */
export function createValidationPipe(): ValidationPipe {
  return new ValidationPipe({
    transform: true,
    whitelist: true,
    forbidNonWhitelisted: true,
    forbidUnknownValues: true,
    stopAtFirstError: true,
    // The target says which fields its class refuses for a reason; no part of it is answered.
    validationError: { target: true, value: false },
    exceptionFactory: (errors) => validationFailed(errors.flatMap((error) => toFieldErrors(error, ''))),
  });
}

function toFieldErrors(error: ValidationError, parent: string): FieldError[] {
  const field = parent === '' ? error.property : `${parent}.${error.property}`;
  const own = Object.entries(error.constraints ?? {}).map(([constraint, message]) =>
    constraint === 'whitelistValidation'
      ? toUnknownField(field, findRefusalReason(error.target, error.property))
      : { field, code: toSnakeCase(constraint), message: withPath(message, error.property, field) },
  );
  return [...own, ...(error.children ?? []).flatMap((child) => toFieldErrors(child, field))];
}

/** A field that the request has not, with the reason if there is one to tell. */
function toUnknownField(field: string, reason: string | null): FieldError {
  return reason === null
    ? { field, code: 'unknown_field', message: `${field} is not a field of this request` }
    : { field, code: 'unsupported_parameter', message: `${field} is not supported: ${reason}` };
}

/** class-validator names only the last part of a nested field; the caller needs the whole path. */
function withPath(message: string, property: string, field: string): string {
  return message.startsWith(`${property} `) ? field + message.slice(property.length) : message;
}

function toSnakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

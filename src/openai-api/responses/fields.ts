import { type DomainError, invalidField } from '../../common/domain-error.js';

/** An object of a request, whose fields are looked at one by one. */
export type Fields = Readonly<Record<string, unknown>>;

/** @throws DomainError validation_failed */
export function fieldsOf(value: unknown, place: string, what: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalidField(place, 'is_object', `must be ${what}`);
  }
  return value as Fields;
}

/** @throws DomainError validation_failed */
export function textOf(value: unknown, place: string): string {
  if (typeof value !== 'string') throw invalidField(place, 'is_string', 'must be text');
  return value;
}

/** @throws DomainError validation_failed */
export function itemsOf(value: unknown, place: string): readonly unknown[] {
  if (!Array.isArray(value)) throw invalidField(place, 'is_array', 'must be an array');
  return value as unknown[];
}

/** Refuses every field that is not named. @throws DomainError validation_failed */
export function allowOnly(fields: Fields, names: readonly string[], place: string): void {
  const other = Object.keys(fields).find((name) => !names.includes(name));
  if (other !== undefined) {
    throw invalidField(`${place}.${other}`, 'unknown_field', 'is not a field of this request');
  }
}

/** What is known and not taken; absent and null are no request for it. @throws DomainError validation_failed */
export function refuse(fields: Fields, name: string, place: string, reason: string): void {
  if (!isAbsent(fields[name])) throw unsupported(`${place}.${name}`, reason);
}

export function unsupported(place: string, reason: string): DomainError {
  return invalidField(place, 'unsupported_parameter', `is not supported: ${reason}`);
}

export function isAbsent(value: unknown): value is null | undefined {
  return value === null || value === undefined;
}

/** The fields that say something, null counting as absent. */
export function withoutAbsent(fields: Fields): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => !isAbsent(value)));
}

import { applyDecorators } from '@nestjs/common';
import { Transform } from 'class-transformer';
import {
  IsString,
  Matches,
  MaxLength,
  MinLength,
  registerDecorator,
  type ValidationOptions,
} from 'class-validator';
import { IDENTIFIER_PATTERN } from './identifiers.js';
import { parseInstant } from './time.js';

/** Metadata of anything, serialized. */
export const MAX_METADATA_BYTES = 16_384;

/** An id chosen by the caller, see {@link IDENTIFIER_PATTERN}. */
export function IsIdentifier(options?: ValidationOptions): PropertyDecorator {
  return Matches(IDENTIFIER_PATTERN, {
    message:
      '$property must be 1 to 128 letters, digits, ".", "_", "-", ":" or "@", beginning with a letter or digit',
    ...options,
  });
}

/** Text that Postgres can store and a person can read: 1 to `max` characters, no NUL, no lone surrogate. */
export function IsStoredText(max: number, options?: ValidationOptions): PropertyDecorator {
  return applyDecorators(
    IsString(options),
    MinLength(1, options),
    MaxLength(max, options),
    IsStorable({ message: '$property must not hold NUL characters or broken Unicode', ...options }),
  );
}

/** A JSON object of at most {@link MAX_METADATA_BYTES} whose texts Postgres can store. */
export function IsMetadata(options?: ValidationOptions): PropertyDecorator {
  return (target, property) => {
    registerDecorator({
      name: 'isMetadata',
      target: target.constructor,
      propertyName: String(property),
      options: {
        message: `$property must be a JSON object of at most ${String(MAX_METADATA_BYTES)} bytes without NUL characters or broken Unicode`,
        ...options,
      },
      validator: {
        validate: (value: unknown) =>
          typeof value === 'object' &&
          value !== null &&
          !Array.isArray(value) &&
          Buffer.byteLength(JSON.stringify(value)) <= MAX_METADATA_BYTES &&
          isStorable(value),
      },
    });
  };
}

/** Takes a word in any case as its lower case, as answers show it. */
export function LowerCase(): PropertyDecorator {
  return Transform(({ value }: { value: unknown }) =>
    typeof value === 'string' ? value.toLowerCase() : value,
  );
}

function IsStorable(options: ValidationOptions): PropertyDecorator {
  return (target, property) => {
    registerDecorator({
      name: 'isStorable',
      target: target.constructor,
      propertyName: String(property),
      options,
      validator: { validate: isStorable },
    });
  };
}

/** Postgres refuses U+0000 in `text` and `jsonb`, and half a surrogate pair in `jsonb`. */
function isStorable(value: unknown): boolean {
  if (typeof value === 'string') return value.isWellFormed() && !value.includes('\0');
  if (typeof value !== 'object' || value === null) return true;
  return Object.entries(value).every(([key, item]) => isStorable(key) && isStorable(item));
}

/** An ISO 8601 instant with its offset, or a day; see {@link parseInstant}. */
export function IsInstant(options?: ValidationOptions): PropertyDecorator {
  return (target, property) => {
    registerDecorator({
      name: 'isInstant',
      target: target.constructor,
      propertyName: String(property),
      options: {
        message:
          '$property must be an ISO 8601 instant such as 2026-11-24T09:30:00Z, or a day such as 2026-11-24',
        ...options,
      },
      validator: { validate: (value: unknown) => typeof value === 'string' && parseInstant(value) !== null },
    });
  };
}

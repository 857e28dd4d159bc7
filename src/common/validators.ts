import { applyDecorators } from '@nestjs/common';
import { Transform, Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
  IsArray,
  IsInt,
  IsNumber,
  IsObject,
  IsString,
  Matches,
  Max,
  Min,
  MinLength,
  registerDecorator,
  ValidateNested,
  type ValidationOptions,
} from 'class-validator';
import { IDENTIFIER_PATTERN, isUuid } from './identifiers.js';
import { fitsUsdScale } from './money.js';
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

/**
 * Text that Postgres can store and a person can read: 1 to `max` characters, no NUL, no lone surrogate.
 *
 * @param options `each` for an array of such texts
 */
export function IsStoredText(max: number, options: { each?: boolean } = {}): PropertyDecorator {
  const { each = false } = options;
  return applyDecorators(
    IsString({ each }),
    MinLength(1, { each }),
    IsNotLongerThan(max, each),
    IsStorable({ each, message: '$property must not hold NUL characters or broken Unicode' }),
  );
}

/** Counts code points, as `varchar(n)` does; class-validator's own MaxLength leaves some out. */
function IsNotLongerThan(max: number, each: boolean): PropertyDecorator {
  return (target, property) => {
    registerDecorator({
      name: 'maxLength',
      target: target.constructor,
      propertyName: String(property),
      options: { each, message: `$property must be shorter than or equal to ${String(max)} characters` },
      validator: {
        validate: (value: unknown) =>
          typeof value === 'string' && (value.length <= max || Array.from(value).length <= max),
      },
    });
  };
}

/**
 * An array of `min` to `max` objects of a DTO class. An array among them is refused: class-validator
 * would walk into it, and come out with an object that has nothing in it.
 */
export function IsArrayOf(type: () => new () => object, min: number, max: number): PropertyDecorator {
  return applyDecorators(
    IsArray(),
    ArrayMinSize(min),
    ArrayMaxSize(max),
    IsObject({ each: true, message: '$property must hold objects only' }),
    ValidateNested({ each: true }),
    Type(type),
  );
}

/** A JSON object of at most {@link MAX_METADATA_BYTES} whose texts Postgres can store. */
export function IsMetadata(): PropertyDecorator {
  return applyDecorators(Untouched(), IsMetadataObject());
}

/** Takes a value as it was sent: class-transformer loses keys that are called like a method of objects. */
function Untouched(): PropertyDecorator {
  return Transform(({ obj, key }: { obj: Record<string, unknown>; key: string }) => obj[key]);
}

function IsMetadataObject(): PropertyDecorator {
  return (target, property) => {
    registerDecorator({
      name: 'isMetadata',
      target: target.constructor,
      propertyName: String(property),
      options: {
        message: `$property must be a JSON object of at most ${String(MAX_METADATA_BYTES)} bytes without NUL characters or broken Unicode`,
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

/**
 * A number of at most so many decimals. class-validator's own check falls over one that JavaScript writes with
 * an exponent and without a point, such as 1e-7.
 */
export function IsDecimalNumber(decimals: number): PropertyDecorator {
  return (target, property) => {
    registerDecorator({
      name: 'isNumber',
      target: target.constructor,
      propertyName: String(property),
      options: { message: `$property must be a number of at most ${String(decimals)} decimals` },
      validator: {
        validate: (value: unknown) =>
          typeof value === 'number' && Number.isFinite(value) && Number(value.toFixed(decimals)) === value,
      },
    });
  };
}

/** A whole number in a query, in plain digits. */
export function IsQueryInteger(min: number, max: number): PropertyDecorator {
  return applyDecorators(
    IsInt({ message: '$property must be a whole number' }),
    Min(min),
    Max(max),
    Transform(({ value }: { value: unknown }) =>
      typeof value === 'string' && /^\d{1,9}$/.test(value) ? Number(value) : value,
    ),
  );
}

/** USD from 0 to `max`, with no more decimals than are kept. */
export function IsUsd(max: number): PropertyDecorator {
  return applyDecorators(Max(max), Min(0), HasUsdScale(), IsNumber());
}

/** class-validator's own `maxDecimalPlaces` fails on numbers that JavaScript writes with an exponent. */
function HasUsdScale(): PropertyDecorator {
  return (target, property) => {
    registerDecorator({
      name: 'maxDecimals',
      target: target.constructor,
      propertyName: String(property),
      options: { message: '$property must have at most 12 decimals' },
      validator: { validate: (value: unknown) => typeof value === 'number' && fitsUsdScale(value) },
    });
  };
}

/** An id that the service has given. */
export function IsUuid(): PropertyDecorator {
  return (target, property) => {
    registerDecorator({
      name: 'isUuid',
      target: target.constructor,
      propertyName: String(property),
      options: { message: '$property must be a UUID' },
      validator: { validate: isUuid },
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
export function IsInstant(): PropertyDecorator {
  return (target, property) => {
    registerDecorator({
      name: 'isInstant',
      target: target.constructor,
      propertyName: String(property),
      options: {
        message:
          '$property must be an ISO 8601 instant such as 2026-11-24T09:30:00Z, or a day such as 2026-11-24',
      },
      validator: { validate: (value: unknown) => typeof value === 'string' && parseInstant(value) !== null },
    });
  };
}

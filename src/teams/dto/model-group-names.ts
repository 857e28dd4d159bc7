import { applyDecorators } from '@nestjs/common';
import { ArrayMaxSize, ArrayUnique, IsArray } from 'class-validator';
import { IDENTIFIER_PATTERN } from '../../common/identifiers.js';
import type { ArrayBodyDescription } from '../../common/array-body.js';
import { IsIdentifier } from '../../common/validators.js';

const MAX_MODEL_GROUPS_PER_TEAM = 100;

/** What {@link IsModelGroupNames} checks, for the document. */
export const MODEL_GROUP_NAMES_SCHEMA = {
  type: 'array',
  maxItems: MAX_MODEL_GROUPS_PER_TEAM,
  uniqueItems: true,
  items: { type: 'string', pattern: IDENTIFIER_PATTERN.source },
} as const;

/** Names of groups, none twice. */
export function IsModelGroupNames(): PropertyDecorator {
  return applyDecorators(
    IsArray(),
    ArrayMaxSize(MAX_MODEL_GROUPS_PER_TEAM),
    IsIdentifier({ each: true }),
    ArrayUnique(),
  );
}

/** A body that is the array itself. */
export class ModelGroupNamesBody implements ArrayBodyDescription<string> {
  @IsModelGroupNames()
  body!: string[];
}

import { applyDecorators } from '@nestjs/common';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsOptional } from 'class-validator';
import { ApiIdentifier } from '../../common/openapi.js';
import { IsIdentifier, IsStoredText } from '../../common/validators.js';
import { MAX_JOB_TYPE_LENGTH, MAX_JOB_USER_LENGTH } from '../jobs.types.js';

/** The team that a new job is of. */
export function IsTeamOfJob(): PropertyDecorator {
  return applyDecorators(
    ApiIdentifier({
      required: false,
      nullable: true,
      description: 'Required with the admin key; with a team key it may be left out and must be its own',
      example: 'engineering-team',
    }),
    IsOptional(),
    IsIdentifier(),
  );
}

export function IsJobType(): PropertyDecorator {
  return applyDecorators(
    ApiProperty({ type: String, minLength: 1, maxLength: MAX_JOB_TYPE_LENGTH, example: 'document_analysis' }),
    IsStoredText(MAX_JOB_TYPE_LENGTH),
  );
}

export function IsJobUser(): PropertyDecorator {
  return applyDecorators(
    ApiPropertyOptional({
      type: String,
      minLength: 1,
      maxLength: MAX_JOB_USER_LENGTH,
      nullable: true,
      description: 'The user of your application that the job is for',
      example: 'john@acme.com',
    }),
    IsOptional(),
    IsStoredText(MAX_JOB_USER_LENGTH),
  );
}

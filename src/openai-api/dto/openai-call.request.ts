import { applyDecorators } from '@nestjs/common';
import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsOptional } from 'class-validator';
import { IsHarmless } from '../../chat/harmless.validator.js';
import { ApiIdentifier, ApiMetadata } from '../../common/openapi.js';
import { IsIdentifier, IsMetadata, IsStoredText } from '../../common/validators.js';
import { MAX_JOB_USER_LENGTH } from '../../jobs/jobs.types.js';

/** Fields that OpenAI's calls have in common and that are not sent to a model. */

/** The model group. */
export function IsModel(): PropertyDecorator {
  return applyDecorators(
    ApiIdentifier({ description: "One of the team's model groups", example: 'ChatFast' }),
    IsIdentifier(),
  );
}

export function IsUser(): PropertyDecorator {
  return applyDecorators(
    ApiPropertyOptional({
      type: String,
      minLength: 1,
      maxLength: MAX_JOB_USER_LENGTH,
      nullable: true,
      description: 'Becomes the `user_id` of the job, if the call has one of its own and no `X-User-Id`',
      example: 'john@acme.com',
    }),
    IsOptional(),
    IsStoredText(MAX_JOB_USER_LENGTH),
  );
}

/** Something about who asks that is meant for a provider, which is not told who asks. */
export function IsKeptFromProviders(example: string): PropertyDecorator {
  return applyDecorators(
    ApiPropertyOptional({
      type: String,
      minLength: 1,
      maxLength: 256,
      nullable: true,
      description: 'Taken without effect: no provider is told who asks',
      example,
    }),
    IsOptional(),
    IsStoredText(256),
  );
}

export function IsCallMetadata(): PropertyDecorator {
  return applyDecorators(
    ApiMetadata({ page: '1' }, 'Your own notes on this call, up to 16 KiB; they are not sent to the model'),
    IsOptional(),
    IsMetadata(),
  );
}

/** Clients that may store send this to say that they do not. */
export function IsNotStored(): PropertyDecorator {
  return applyDecorators(
    ApiPropertyOptional({
      type: Boolean,
      enum: [false],
      nullable: true,
      description: 'Nothing is stored at a provider',
      example: false,
    }),
    IsOptional(),
    IsHarmless(false),
  );
}

/** The tiers without a price of their own. */
export function IsServiceTier(): PropertyDecorator {
  return applyDecorators(
    ApiPropertyOptional({
      type: String,
      enum: ['auto', 'default'],
      nullable: true,
      description: 'Not sent to the model; other tiers have prices that are not known beforehand',
    }),
    IsOptional(),
    IsHarmless('auto', 'default'),
  );
}

import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import {
  ArrayMaxSize,
  ArrayMinSize,
  ArrayUnique,
  IsArray,
  IsIn,
  IsInt,
  IsOptional,
  Max,
  Min,
} from 'class-validator';
import { fromJsonNumber } from '../../common/money.js';
import { ApiInstant } from '../../common/openapi.js';
import { parseInstant } from '../../common/time.js';
import { IsInstant, IsStoredText, IsUsd, LowerCase } from '../../common/validators.js';
import { CHOSEN_GRANT_KINDS, MAX_GRANT_CREDITS, newGrant, type NewGrant } from '../credits.types.js';

/** A credit that is dearer is a mistake. */
export const MAX_UNIT_PRICE_USD = 1_000_000;
const MAX_PRIORITY = 1000;
const MAX_JOB_TYPES = 100;

export class AddCreditsRequest {
  @ApiProperty({ type: 'integer', minimum: 1, maximum: MAX_GRANT_CREDITS, example: 100 })
  @Max(MAX_GRANT_CREDITS)
  @Min(1)
  @IsInt()
  credits!: number;

  @ApiPropertyOptional({
    type: String,
    nullable: true,
    minLength: 1,
    maxLength: 512,
    example: 'Top-up, invoice 4711',
  })
  @IsOptional()
  @IsStoredText(512)
  reason?: string | null;

  @ApiPropertyOptional({
    type: String,
    enum: CHOSEN_GRANT_KINDS,
    nullable: true,
    description: '`allocation` by default',
    example: 'allocation',
  })
  @IsOptional()
  @LowerCase()
  @IsIn(CHOSEN_GRANT_KINDS)
  kind?: (typeof CHOSEN_GRANT_KINDS)[number] | null;

  @ApiPropertyOptional({
    type: Number,
    nullable: true,
    minimum: 0,
    maximum: MAX_UNIT_PRICE_USD,
    description: 'What a credit was sold for; at most 12 decimals',
    example: 0.25,
  })
  @IsOptional()
  @IsUsd(MAX_UNIT_PRICE_USD)
  unit_price_usd?: number | null;

  @ApiPropertyOptional({
    type: 'integer',
    nullable: true,
    minimum: -MAX_PRIORITY,
    maximum: MAX_PRIORITY,
    description: 'Credits of a lower one are drawn first; 0 by default',
    example: 0,
  })
  @IsOptional()
  @Max(MAX_PRIORITY)
  @Min(-MAX_PRIORITY)
  @IsInt()
  priority?: number | null;

  @ApiInstant('no job draws on the credits before; at once by default', '2026-11-01T00:00:00.000Z', {
    nullable: true,
  })
  @IsOptional()
  @IsInstant()
  starts_at?: string | null;

  @ApiInstant('what is left then runs out; never by default', null, { nullable: true })
  @IsOptional()
  @IsInstant()
  expires_at?: string | null;

  @ApiPropertyOptional({
    type: [String],
    nullable: true,
    minItems: 1,
    maxItems: MAX_JOB_TYPES,
    uniqueItems: true,
    items: { type: 'string', minLength: 1, maxLength: 128 },
    description: 'Types of jobs that the credits may pay for; all by default',
    example: null,
  })
  @IsOptional()
  @IsStoredText(128, { each: true })
  @ArrayUnique()
  @ArrayMaxSize(MAX_JOB_TYPES)
  @ArrayMinSize(1)
  @IsArray()
  job_types?: string[] | null;

  @ApiPropertyOptional({
    type: String,
    nullable: true,
    minLength: 1,
    maxLength: 255,
    description: 'A payment or anything else that grants credits once: repeated, it grants nothing more',
    example: 'invoice-4711',
  })
  @IsOptional()
  @IsStoredText(255)
  external_reference?: string | null;
}

export function toAddedGrant(request: AddCreditsRequest): NewGrant {
  return newGrant({
    credits: request.credits,
    kind: request.kind ?? 'allocation',
    reason: request.reason ?? null,
    unitPriceUsd: request.unit_price_usd == null ? null : fromJsonNumber(request.unit_price_usd),
    priority: request.priority ?? 0,
    startsAt: request.starts_at == null ? null : parseInstant(request.starts_at),
    expiresAt: request.expires_at == null ? null : parseInstant(request.expires_at),
    jobTypes: request.job_types ?? null,
    externalReference: request.external_reference ?? null,
  });
}

/** Whether it says only what a team may say of its own credits. */
export function isPlainTopUp(request: AddCreditsRequest): boolean {
  const { credits: _credits, reason: _reason, ...rest } = request;
  return Object.values(rest).every((value) => value == null);
}

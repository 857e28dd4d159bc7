import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { toJsonNumber } from '../../common/money.js';
import { PageResponse, toPageResponse } from '../../common/page.response.js';
import type { Page } from '../../common/pagination.js';
import type { GrantWithStatus } from '../credit-reports.service.js';
import {
  GRANT_KINDS,
  GRANT_STATUSES,
  type GrantKind,
  type GrantStatus,
  PAYMENT_TYPES,
  type PaymentType,
} from '../credits.types.js';

const ADMIN_ONLY = 'with the admin key only';

export class CreditGrantResponse {
  @ApiProperty({ type: String, format: 'uuid', example: '019ab1c2-7d2e-7c3a-9f00-2b1f6f0c9d11' })
  grant_id!: string;

  @ApiProperty({ type: String, enum: GRANT_KINDS, example: 'allocation' })
  kind!: GrantKind;

  @ApiProperty({
    type: String,
    enum: GRANT_STATUSES,
    description:
      '`scheduled` before its start, `exhausted` when all of it is charged or set aside, `expired` after its end',
    example: 'active',
  })
  status!: GrantStatus;

  @ApiProperty({ type: 'integer', example: 100 })
  credits!: number;

  @ApiProperty({ type: 'integer', description: 'Neither charged nor set aside nor run out', example: 100 })
  credits_remaining!: number;

  @ApiProperty({ type: 'integer', description: 'Run out before they were used', example: 0 })
  credits_expired!: number;

  @ApiProperty({ type: String, nullable: true, example: 'Top-up, invoice 4711' })
  reason!: string | null;

  @ApiProperty({ type: 'integer', description: 'Credits of a lower one are drawn first', example: 0 })
  priority!: number;

  @ApiProperty({ type: String, format: 'date-time', nullable: true, example: null })
  starts_at!: string | null;

  @ApiProperty({ type: String, format: 'date-time', nullable: true, example: null })
  expires_at!: string | null;

  @ApiProperty({
    type: [String],
    nullable: true,
    description: 'Types of jobs that it may pay for; null for all',
    example: null,
  })
  job_types!: string[] | null;

  @ApiProperty({ type: String, nullable: true, example: 'invoice-4711' })
  external_reference!: string | null;

  @ApiPropertyOptional({
    type: Number,
    nullable: true,
    description: `What a credit was sold for; ${ADMIN_ONLY}`,
    example: 0.25,
  })
  unit_price_usd?: number | null;

  @ApiPropertyOptional({
    type: String,
    enum: PAYMENT_TYPES,
    nullable: true,
    description: `Of credits that were replenished; ${ADMIN_ONLY}`,
    example: null,
  })
  payment_type?: PaymentType | null;

  @ApiPropertyOptional({
    type: Number,
    nullable: true,
    description: `What was paid for all of it; ${ADMIN_ONLY}`,
    example: null,
  })
  payment_amount_usd?: number | null;

  @ApiProperty({ type: String, format: 'date-time', example: '2026-11-24T09:30:00.000Z' })
  created_at!: string;
}

export class CreditGrantsResponse extends PageResponse {
  @ApiProperty({ type: [CreditGrantResponse], description: 'Newest first' })
  data!: CreditGrantResponse[];
}

/** @param hasPrices whether the caller may see what was paid */
export function toCreditGrantResponse(grant: GrantWithStatus, hasPrices: boolean): CreditGrantResponse {
  return {
    grant_id: grant.grantId,
    kind: grant.kind,
    status: grant.status,
    credits: grant.credits,
    credits_remaining: grant.remaining,
    credits_expired: grant.expired,
    reason: grant.reason,
    priority: grant.priority,
    starts_at: grant.startsAt?.toISOString() ?? null,
    expires_at: grant.expiresAt?.toISOString() ?? null,
    job_types: grant.jobTypes === null ? null : [...grant.jobTypes],
    external_reference: grant.externalReference,
    ...(hasPrices && {
      unit_price_usd: toNullableNumber(grant.unitPriceUsd),
      payment_type: grant.paymentType,
      payment_amount_usd: toNullableNumber(grant.paymentAmountUsd),
    }),
    created_at: grant.createdAt.toISOString(),
  };
}

export function toCreditGrantsResponse(
  page: Page<GrantWithStatus>,
  hasPrices: boolean,
): CreditGrantsResponse {
  return {
    data: page.data.map((grant) => toCreditGrantResponse(grant, hasPrices)),
    ...toPageResponse(page),
  };
}

function toNullableNumber(amount: string | null): number | null {
  return amount === null ? null : toJsonNumber(amount);
}

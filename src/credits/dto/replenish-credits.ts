import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsInt, IsOptional, Max, Min } from 'class-validator';
import { averageUsd, fromJsonNumber, toJsonNumber } from '../../common/money.js';
import { ApiInstant } from '../../common/openapi.js';
import { parseInstant } from '../../common/time.js';
import { IsInstant, IsStoredText, IsUsd, LowerCase } from '../../common/validators.js';
import {
  type CreditTransaction,
  type GrantRecord,
  MAX_GRANT_CREDITS,
  newGrant,
  type NewGrant,
  PAYMENT_TYPES,
  type PaymentType,
} from '../credits.types.js';
import { CreditTransactionResponse, toCreditTransactionResponse } from './credit-transactions.response.js';

const MAX_PAYMENT_USD = 1_000_000_000;

export class ReplenishCreditsRequest {
  @ApiProperty({ type: 'integer', minimum: 1, maximum: MAX_GRANT_CREDITS, example: 500 })
  @Max(MAX_GRANT_CREDITS)
  @Min(1)
  @IsInt()
  credits!: number;

  @ApiProperty({ type: String, enum: PAYMENT_TYPES, example: 'subscription' })
  @LowerCase()
  @IsIn(PAYMENT_TYPES)
  payment_type!: PaymentType;

  @ApiPropertyOptional({
    type: Number,
    nullable: true,
    minimum: 0,
    maximum: MAX_PAYMENT_USD,
    description: 'For all of the credits; at most 12 decimals. It gives the price of one of them',
    example: 125,
  })
  @IsOptional()
  @IsUsd(MAX_PAYMENT_USD)
  payment_amount_usd?: number | null;

  @ApiPropertyOptional({
    type: String,
    nullable: true,
    minLength: 1,
    maxLength: 512,
    example: 'Monthly subscription',
  })
  @IsOptional()
  @IsStoredText(512)
  reason?: string | null;

  @ApiPropertyOptional({
    type: String,
    nullable: true,
    minLength: 1,
    maxLength: 255,
    description: 'The payment event; required without the header Idempotency-Key',
    example: 'evt_1PqR7sT',
  })
  @IsOptional()
  @IsStoredText(255)
  external_reference?: string | null;

  @ApiInstant('what is left then runs out; never by default', null, { nullable: true })
  @IsOptional()
  @IsInstant()
  expires_at?: string | null;
}

export class ReplenishCreditsResponse {
  @ApiProperty({ type: String, example: 'engineering-team' })
  team_id!: string;

  @ApiProperty({ type: 'integer', example: 500 })
  credits_added!: number;

  @ApiProperty({ type: 'integer', description: 'What remained before it', example: 99 })
  credits_before!: number;

  @ApiProperty({ type: 'integer', description: 'What remained after it', example: 599 })
  credits_after!: number;

  @ApiProperty({ type: String, enum: PAYMENT_TYPES, example: 'subscription' })
  payment_type!: PaymentType;

  @ApiProperty({ type: Number, nullable: true, example: 125 })
  payment_amount_usd!: number | null;

  @ApiProperty({ type: CreditTransactionResponse })
  transaction!: CreditTransactionResponse;
}

export function toPurchase(request: ReplenishCreditsRequest): NewGrant {
  const amount = request.payment_amount_usd == null ? null : fromJsonNumber(request.payment_amount_usd);
  return newGrant({
    credits: request.credits,
    kind: 'purchase',
    reason: request.reason ?? null,
    unitPriceUsd: amount === null ? null : averageUsd(amount, request.credits),
    expiresAt: request.expires_at == null ? null : parseInstant(request.expires_at),
    externalReference: request.external_reference ?? null,
    paymentType: request.payment_type,
    paymentAmountUsd: amount,
  });
}

/** Made of what was booked and never changes, so that a repeated payment event gets the same bytes. */
export function toReplenishCreditsResponse(
  { teamId, credits, paymentType, paymentAmountUsd }: GrantRecord,
  transaction: CreditTransaction,
): ReplenishCreditsResponse {
  if (paymentType === null) throw new Error('The grant was not paid for.');
  return {
    team_id: teamId,
    credits_added: credits,
    credits_before: transaction.remainingBefore,
    credits_after: transaction.remainingAfter,
    payment_type: paymentType,
    payment_amount_usd: paymentAmountUsd === null ? null : toJsonNumber(paymentAmountUsd),
    transaction: toCreditTransactionResponse(transaction),
  };
}

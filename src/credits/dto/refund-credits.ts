import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsInt, IsOptional, Max, Min } from 'class-validator';
import { IsStoredText, IsUuid } from '../../common/validators.js';
import { type CreditTransaction, MAX_GRANT_CREDITS } from '../credits.types.js';
import { CreditTransactionResponse, toCreditTransactionResponse } from './credit-transactions.response.js';

const JOB_ID = '019ab1c2-7d2e-7c3a-9f00-2b1f6f0c9d11';

export class RefundCreditsRequest {
  @ApiProperty({ type: String, format: 'uuid', description: 'A job that was charged', example: JOB_ID })
  @IsUuid()
  job_id!: string;

  @ApiPropertyOptional({
    type: 'integer',
    nullable: true,
    minimum: 1,
    maximum: MAX_GRANT_CREDITS,
    description: 'All that is left of the charge by default, which also forgives what it was short',
    example: 1,
  })
  @IsOptional()
  @Max(MAX_GRANT_CREDITS)
  @Min(1)
  @IsInt()
  credits?: number | null;

  @ApiPropertyOptional({
    type: String,
    nullable: true,
    minLength: 1,
    maxLength: 512,
    example: 'The analysis was of no use',
  })
  @IsOptional()
  @IsStoredText(512)
  reason?: string | null;
}

export class RefundCreditsResponse {
  @ApiProperty({ type: String, format: 'uuid', example: '019ab1c2-7d2e-7c3a-9f00-2b1f6f0c9d15' })
  refund_id!: string;

  @ApiProperty({ type: String, example: 'engineering-team' })
  team_id!: string;

  @ApiProperty({ type: String, format: 'uuid', example: JOB_ID })
  job_id!: string;

  @ApiProperty({ type: 'integer', example: 1 })
  credits_refunded!: number;

  @ApiProperty({ type: 'integer', description: 'What remained before it', example: 98 })
  credits_before!: number;

  @ApiProperty({
    type: 'integer',
    description: 'What remained after it; before credits of a grant that had ended ran out again',
    example: 99,
  })
  credits_after!: number;

  @ApiProperty({ type: CreditTransactionResponse })
  transaction!: CreditTransactionResponse;
}

export function toRefundCreditsResponse(
  refund: { readonly teamId: string; readonly jobId: string; readonly refundId: string },
  transaction: CreditTransaction,
): RefundCreditsResponse {
  return {
    refund_id: refund.refundId,
    team_id: refund.teamId,
    job_id: refund.jobId,
    credits_refunded: transaction.credits,
    credits_before: transaction.remainingBefore,
    credits_after: transaction.remainingAfter,
    transaction: toCreditTransactionResponse(transaction),
  };
}

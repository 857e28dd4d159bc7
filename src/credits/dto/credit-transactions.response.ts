import { ApiProperty } from '@nestjs/swagger';
import { PageResponse, toPageResponse } from '../../common/page.response.js';
import type { Page } from '../../common/pagination.js';
import { type CreditTransaction, TRANSACTION_TYPES } from '../credits.types.js';

export class CreditTransactionResponse {
  @ApiProperty({ type: String, format: 'uuid', example: '019ab1c2-7d2e-7c3a-9f00-2b1f6f0c9d14' })
  transaction_id!: string;

  @ApiProperty({
    type: String,
    format: 'uuid',
    nullable: true,
    description: 'The job that was charged or refunded; null for what is about a grant',
    example: '019ab1c2-7d2e-7c3a-9f00-2b1f6f0c9d11',
  })
  job_id!: string | null;

  @ApiProperty({ type: String, enum: TRANSACTION_TYPES, example: 'deduction' })
  transaction_type!: (typeof TRANSACTION_TYPES)[number];

  @ApiProperty({ type: 'integer', minimum: 1, description: 'Whatever the direction', example: 1 })
  credits_amount!: number;

  @ApiProperty({ type: 'integer', description: 'What remained before it', example: 100 })
  credits_before!: number;

  @ApiProperty({ type: 'integer', description: 'What remained after it', example: 99 })
  credits_after!: number;

  @ApiProperty({
    type: String,
    nullable: true,
    description: 'As given with the credits or the refund; `Expired` for credits that ran out',
    example: null,
  })
  reason!: string | null;

  @ApiProperty({ type: String, format: 'date-time', example: '2026-11-24T09:30:00.000Z' })
  created_at!: string;
}

export class CreditTransactionsResponse extends PageResponse {
  @ApiProperty({ type: String, example: 'engineering-team' })
  team_id!: string;

  @ApiProperty({ type: [CreditTransactionResponse], description: 'Newest first' })
  transactions!: CreditTransactionResponse[];
}

export function toCreditTransactionResponse(transaction: CreditTransaction): CreditTransactionResponse {
  return {
    transaction_id: transaction.transactionId,
    job_id: transaction.jobId,
    transaction_type: transaction.type,
    credits_amount: transaction.credits,
    credits_before: transaction.remainingBefore,
    credits_after: transaction.remainingAfter,
    reason: transaction.reason,
    created_at: transaction.createdAt.toISOString(),
  };
}

export function toCreditTransactionsResponse(
  teamId: string,
  page: Page<CreditTransaction>,
): CreditTransactionsResponse {
  return {
    team_id: teamId,
    transactions: page.data.map(toCreditTransactionResponse),
    ...toPageResponse(page),
  };
}

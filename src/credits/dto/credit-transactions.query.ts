import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsOptional } from 'class-validator';
import { ApiInstant } from '../../common/openapi.js';
import { PageQuery } from '../../common/page.query.js';
import { parseInstant } from '../../common/time.js';
import { IsInstant, IsUuid, LowerCase } from '../../common/validators.js';
import { TRANSACTION_TYPES, type TransactionFilter, type TransactionType } from '../credits.types.js';

export class CreditTransactionsQuery extends PageQuery {
  @ApiPropertyOptional({ type: String, enum: TRANSACTION_TYPES, example: 'deduction' })
  @IsOptional()
  @LowerCase()
  @IsIn(TRANSACTION_TYPES)
  type?: TransactionType;

  @ApiPropertyOptional({
    type: String,
    format: 'uuid',
    description: "What one job was charged and refunded; nothing for a job that is not the team's",
    example: '019ab1c2-7d2e-7c3a-9f00-2b1f6f0c9d11',
  })
  @IsOptional()
  @IsUuid()
  job_id?: string;

  @ApiInstant('inclusive', '2026-11-01T00:00:00Z')
  @IsOptional()
  @IsInstant()
  created_after?: string;

  @ApiInstant('exclusive', '2026-12-01T00:00:00Z')
  @IsOptional()
  @IsInstant()
  created_before?: string;
}

export function toTransactionFilter(query: CreditTransactionsQuery): TransactionFilter {
  return {
    type: query.type ?? null,
    jobId: query.job_id ?? null,
    createdAfter: query.created_after === undefined ? null : parseInstant(query.created_after),
    createdBefore: query.created_before === undefined ? null : parseInstant(query.created_before),
  };
}

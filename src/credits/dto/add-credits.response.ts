import { ApiProperty } from '@nestjs/swagger';
import type { CreditBalance, GrantRecord } from '../credits.types.js';
import { CreditBalanceResponse, toCreditBalanceResponse } from '../credit-balance.response.js';

export class CreditGrantResponse {
  @ApiProperty({ type: String, format: 'uuid', example: '019ab1c2-7d2e-7c3a-9f00-2b1f6f0c9d11' })
  grant_id!: string;

  @ApiProperty({ type: 'integer', example: 100 })
  credits!: number;

  @ApiProperty({ type: String, nullable: true, example: 'Top-up, invoice 4711' })
  reason!: string | null;

  @ApiProperty({ type: String, format: 'date-time', example: '2026-11-24T09:30:00.000Z' })
  created_at!: string;
}

/** The balance after the grant, and the grant. */
export class AddCreditsResponse extends CreditBalanceResponse {
  @ApiProperty({ type: CreditGrantResponse })
  grant!: CreditGrantResponse;
}

export function toAddCreditsResponse(balance: CreditBalance, grant: GrantRecord): AddCreditsResponse {
  return {
    ...toCreditBalanceResponse(balance),
    grant: {
      grant_id: grant.grantId,
      credits: grant.credits,
      reason: grant.reason,
      created_at: grant.createdAt.toISOString(),
    },
  };
}

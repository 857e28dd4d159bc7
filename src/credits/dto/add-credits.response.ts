import { ApiProperty } from '@nestjs/swagger';
import { CreditBalanceResponse, toCreditBalanceResponse } from '../credit-balance.response.js';
import type { GrantWithStatus } from '../credit-reports.service.js';
import type { CreditBalance } from '../credits.types.js';
import { CreditGrantResponse, toCreditGrantResponse } from './credit-grant.response.js';

/** The balance after the grant, and the grant. */
export class AddCreditsResponse extends CreditBalanceResponse {
  @ApiProperty({ type: CreditGrantResponse })
  grant!: CreditGrantResponse;
}

/** @param hasPrices whether the caller may see what was paid */
export function toAddCreditsResponse(
  balance: CreditBalance,
  grant: GrantWithStatus,
  hasPrices: boolean,
): AddCreditsResponse {
  return { ...toCreditBalanceResponse(balance), grant: toCreditGrantResponse(grant, hasPrices) };
}

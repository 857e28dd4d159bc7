import { ApiProperty } from '@nestjs/swagger';
import type { HistoricBalance } from './credits.types.js';

/** The credits of a team on the wire; teams show them, too. */
export class CreditBalanceResponse {
  @ApiProperty({ type: String, example: 'engineering-team' })
  team_id!: string;

  @ApiProperty({ type: 'integer', description: 'All credits ever granted', example: 100 })
  credits_allocated!: number;

  @ApiProperty({ type: 'integer', description: 'Credits charged for completed jobs', example: 1 })
  credits_used!: number;

  @ApiProperty({ type: 'integer', description: 'available + held', example: 99 })
  credits_remaining!: number;

  @ApiProperty({ type: 'integer', description: 'Credits set aside for open jobs', example: 2 })
  credits_held!: number;

  @ApiProperty({ type: 'integer', description: 'Credits that a new job can draw on', example: 97 })
  credits_available!: number;
}

export function toCreditBalanceResponse(balance: HistoricBalance): CreditBalanceResponse {
  return {
    team_id: balance.teamId,
    credits_allocated: balance.allocated,
    credits_used: balance.used,
    credits_remaining: balance.remaining,
    credits_held: balance.held,
    credits_available: balance.available,
  };
}

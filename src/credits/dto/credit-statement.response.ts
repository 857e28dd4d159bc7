import { ApiProperty } from '@nestjs/swagger';
import type { CreditStatement } from '../credit-statement.js';
import { type HistoricBalance, TRANSACTION_TYPES, type TransactionType } from '../credits.types.js';

const SIGNED = 'Positive for credits that came, negative for those that went';

export class StatementBalanceResponse {
  @ApiProperty({ type: 'integer', description: 'All credits ever granted', example: 100 })
  credits_allocated!: number;

  @ApiProperty({ type: 'integer', description: 'Charged, less what was refunded', example: 1 })
  credits_used!: number;

  @ApiProperty({ type: 'integer', description: 'Run out before they were used', example: 0 })
  credits_expired!: number;

  @ApiProperty({ type: 'integer', description: 'allocated − used − expired', example: 99 })
  credits_remaining!: number;
}

export class StatementTotalResponse {
  @ApiProperty({ type: String, enum: TRANSACTION_TYPES, example: 'deduction' })
  transaction_type!: TransactionType;

  @ApiProperty({ type: 'integer', description: SIGNED, example: -1 })
  credits!: number;

  @ApiProperty({ type: 'integer', minimum: 0, description: 'Of transactions', example: 1 })
  count!: number;
}

export class StatementMovementResponse extends StatementTotalResponse {
  @ApiProperty({ type: String, format: 'date', description: 'The UTC day', example: '2026-10-24' })
  date!: string;
}

export class CreditStatementResponse {
  @ApiProperty({ type: String, example: 'engineering-team' })
  team_id!: string;

  @ApiProperty({ type: String, example: '2026-10' })
  period!: string;

  @ApiProperty({ type: String, format: 'date-time', example: '2026-10-01T00:00:00.000Z' })
  starts_at!: string;

  @ApiProperty({
    type: String,
    format: 'date-time',
    description: 'The end of the month; now, while it lasts',
    example: '2026-11-01T00:00:00.000Z',
  })
  ends_at!: string;

  @ApiProperty({
    type: Boolean,
    description: 'Whether the month is over, so that nothing of it can change any more',
    example: true,
  })
  is_final!: boolean;

  @ApiProperty({
    type: StatementBalanceResponse,
    example: { credits_allocated: 100, credits_used: 0, credits_expired: 0, credits_remaining: 100 },
  })
  opening_balance!: StatementBalanceResponse;

  @ApiProperty({
    type: [StatementMovementResponse],
    description: 'Per UTC day and type, oldest first; days without transactions are left out',
  })
  movements!: StatementMovementResponse[];

  @ApiProperty({ type: [StatementTotalResponse], description: 'The movements added up, of every type' })
  totals!: StatementTotalResponse[];

  @ApiProperty({ type: StatementBalanceResponse })
  closing_balance!: StatementBalanceResponse;
}

export function toCreditStatementResponse(statement: CreditStatement): CreditStatementResponse {
  return {
    team_id: statement.teamId,
    period: statement.period,
    starts_at: statement.interval.from.toISOString(),
    ends_at: statement.interval.to.toISOString(),
    is_final: statement.isFinal,
    opening_balance: toBalance(statement.opening),
    movements: statement.movements.map(({ day, type, credits, count }) => ({
      date: day,
      transaction_type: type,
      credits,
      count,
    })),
    totals: statement.totals.map(({ type, credits, count }) => ({ transaction_type: type, credits, count })),
    closing_balance: toBalance(statement.closing),
  };
}

function toBalance(balance: HistoricBalance): StatementBalanceResponse {
  return {
    credits_allocated: balance.allocated,
    credits_used: balance.used,
    credits_expired: balance.expired,
    credits_remaining: balance.remaining,
  };
}

import { ApiProperty } from '@nestjs/swagger';
import { MAX_DIFFERENCES_PER_CHECK } from '../verify-ledger.js';
import type { Verification } from '../verification.types.js';

export class LedgerCheckResponse {
  @ApiProperty({ type: String, example: 'account balances' })
  name!: string;

  @ApiProperty({
    type: 'integer',
    minimum: 0,
    maximum: MAX_DIFFERENCES_PER_CHECK,
    description: 'How many it listed',
    example: 0,
  })
  differences!: number;
}

export class LedgerDifferenceResponse {
  @ApiProperty({ type: String, example: 'account balances' })
  check!: string;

  @ApiProperty({
    type: String,
    description: 'What is wrong',
    example: 'the account does not show what its transfers add up to',
  })
  finding!: string;

  @ApiProperty({ type: String, example: 'engineering-team' })
  team_id!: string;

  @ApiProperty({
    type: String,
    description: 'Of the team, grant, hold, transfer, refund, job, call or attempt that is wrong',
    example: 'engineering-team',
  })
  id!: string;

  @ApiProperty({ type: String, description: 'What was derived', example: '-1000/900/0/100/0' })
  expected!: string;

  @ApiProperty({ type: String, description: 'What is there', example: '-1000/905/0/95/0' })
  found!: string;
}

export class VerificationResponse {
  @ApiProperty({ type: Boolean, description: 'Whether no check found anything', example: true })
  is_consistent!: boolean;

  @ApiProperty({
    type: String,
    format: 'date-time',
    description: 'When the verification began; it sees nothing later',
    example: '2024-10-14T12:30:00.000Z',
  })
  checked_at!: string;

  @ApiProperty({ type: 'integer', minimum: 0, example: 120 })
  duration_ms!: number;

  @ApiProperty({ type: [LedgerCheckResponse], description: 'Every check' })
  checks!: LedgerCheckResponse[];

  @ApiProperty({
    type: [LedgerDifferenceResponse],
    description: `At most ${String(MAX_DIFFERENCES_PER_CHECK)} of each check`,
  })
  differences!: LedgerDifferenceResponse[];
}

export function toVerificationResponse(verification: Verification): VerificationResponse {
  return {
    is_consistent: verification.differences.length === 0,
    checked_at: verification.checkedAt.toISOString(),
    duration_ms: verification.durationMs,
    checks: verification.checks.map(({ name, differences }) => ({ name, differences })),
    differences: verification.differences.map((difference) => ({
      check: difference.check,
      finding: difference.finding,
      team_id: difference.teamId,
      id: difference.id,
      expected: difference.expected,
      found: difference.found,
    })),
  };
}

import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsInt, IsOptional, Max, Min } from 'class-validator';
import { LowerCase } from '../../common/validators.js';
import { type EndingTerms, FAIR_OUTCOMES, type FairOutcome, type TeamBudget } from '../budgets.types.js';

export const MAX_FREE_ENDINGS = 1_000_000;
export const MAX_FREE_ENDINGS_WINDOW_DAYS = 366;

/** What may be said of jobs that fail, are cancelled or expire: of a team, and of a type of job. */
export class FairOutcomeRequest {
  @ApiPropertyOptional({
    type: String,
    enum: FAIR_OUTCOMES,
    nullable: true,
    description: 'Which jobs that failed, were cancelled or expired are free',
    example: 'allowance',
  })
  @IsOptional()
  @LowerCase()
  @IsIn(FAIR_OUTCOMES)
  fair_outcome?: FairOutcome | null;

  @ApiPropertyOptional({
    type: 'integer',
    minimum: 0,
    maximum: MAX_FREE_ENDINGS,
    nullable: true,
    description: 'Of `allowance`: how many jobs of a type that had a successful call are free in the window',
    example: 3,
  })
  @IsOptional()
  @Max(MAX_FREE_ENDINGS)
  @Min(0)
  @IsInt()
  free_endings?: number | null;

  @ApiPropertyOptional({
    type: 'integer',
    minimum: 1,
    maximum: MAX_FREE_ENDINGS_WINDOW_DAYS,
    nullable: true,
    description: 'Of `allowance`: a rolling window that ends with the job',
    example: 30,
  })
  @IsOptional()
  @Max(MAX_FREE_ENDINGS_WINDOW_DAYS)
  @Min(1)
  @IsInt()
  free_endings_window_days?: number | null;
}

export class FairOutcomeResponse {
  @ApiProperty({ type: String, example: 'engineering-team' })
  team_id!: string;

  @ApiProperty({ type: String, enum: FAIR_OUTCOMES, example: 'allowance' })
  fair_outcome!: FairOutcome;

  @ApiProperty({ type: 'integer', example: 3 })
  free_endings!: number;

  @ApiProperty({ type: 'integer', example: 30 })
  free_endings_window_days!: number;

  @ApiProperty({ type: String, format: 'date-time', example: '2026-11-24T09:30:00.000Z' })
  updated_at!: string;
}

/** What the request says; what it leaves out is left out. */
export function toEndingTerms(request: FairOutcomeRequest): Partial<EndingTerms> {
  return {
    ...(request.fair_outcome != null && { fairOutcome: request.fair_outcome }),
    ...(request.free_endings != null && { freeEndings: request.free_endings }),
    ...(request.free_endings_window_days != null && {
      freeEndingsWindowDays: request.free_endings_window_days,
    }),
  };
}

export function toFairOutcomeResponse(budget: TeamBudget): FairOutcomeResponse {
  return {
    team_id: budget.teamId,
    fair_outcome: budget.fairOutcome,
    free_endings: budget.freeEndings,
    free_endings_window_days: budget.freeEndingsWindowDays,
    updated_at: budget.updatedAt.toISOString(),
  };
}

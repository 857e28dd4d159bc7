import { Check, Column, Entity, ForeignKey, PrimaryColumn } from 'typeorm';
import { BIGINT, IDENTIFIER, TIMESTAMP, quoted } from '../../database/columns.js';
import { BUDGET_MODES, type BudgetMode, FAIR_OUTCOMES, type FairOutcome } from '../budgets.types.js';

/** What credits buy of a team, and which of its jobs are free; one row per team. */
@Entity('team_budgets')
@Check('team_budgets_mode_check', `budget_mode IN (${quoted(BUDGET_MODES)})`)
@Check('team_budgets_rates_check', `credits_per_dollar > 0 AND tokens_per_credit > 0`)
@Check('team_budgets_outcome_check', `fair_outcome IN (${quoted(FAIR_OUTCOMES)})`)
@Check('team_budgets_endings_check', `free_endings >= 0 AND free_endings_window_days > 0`)
export class TeamBudgetEntity {
  @ForeignKey('Team', { name: 'team_budgets_team_id_fkey' })
  @PrimaryColumn({ ...IDENTIFIER, name: 'team_id', primaryKeyConstraintName: 'team_budgets_pkey' })
  teamId!: string;

  @Column({ type: 'varchar', length: 24, name: 'budget_mode' })
  budgetMode!: BudgetMode;

  @Column({ type: 'numeric', precision: 18, scale: 6, name: 'credits_per_dollar' })
  creditsPerDollar!: string;

  @Column({ ...BIGINT, name: 'tokens_per_credit' })
  tokensPerCredit!: number;

  @Column({ type: 'varchar', length: 24, name: 'fair_outcome' })
  fairOutcome!: FairOutcome;

  @Column({ type: 'integer', name: 'free_endings' })
  freeEndings!: number;

  @Column({ type: 'integer', name: 'free_endings_window_days' })
  freeEndingsWindowDays!: number;

  @Column({ ...TIMESTAMP, name: 'updated_at' })
  updatedAt!: Date;
}

import { Check, Column, Entity, ForeignKey, PrimaryColumn } from 'typeorm';
import { BIGINT, IDENTIFIER, TIMESTAMP, quoted } from '../../database/columns.js';
import { FAIR_OUTCOMES, type FairOutcome } from '../budgets.types.js';

/** What differs for one type of job of a team; null is as for the team, or as the deployment is set. */
@Entity('job_type_terms')
@Check('job_type_terms_credits_check', `credits_per_job > 0 AND hold_credits > 0`)
@Check('job_type_terms_outcome_check', `fair_outcome IN (${quoted(FAIR_OUTCOMES)})`)
@Check('job_type_terms_endings_check', `free_endings >= 0 AND free_endings_window_days > 0`)
@Check('job_type_terms_time_to_live_check', `time_to_live_ms > 0`)
export class JobTypeTermsEntity {
  @ForeignKey('Team', { name: 'job_type_terms_team_id_fkey' })
  @PrimaryColumn({ ...IDENTIFIER, name: 'team_id', primaryKeyConstraintName: 'job_type_terms_pkey' })
  teamId!: string;

  @PrimaryColumn({
    type: 'varchar',
    length: 128,
    name: 'job_type',
    primaryKeyConstraintName: 'job_type_terms_pkey',
  })
  jobType!: string;

  @Column({ ...BIGINT, name: 'credits_per_job', nullable: true })
  creditsPerJob!: number | null;

  @Column({ ...BIGINT, name: 'hold_credits', nullable: true })
  holdCredits!: number | null;

  @Column({ type: 'varchar', length: 24, name: 'fair_outcome', nullable: true })
  fairOutcome!: FairOutcome | null;

  @Column({ type: 'integer', name: 'free_endings', nullable: true })
  freeEndings!: number | null;

  @Column({ type: 'integer', name: 'free_endings_window_days', nullable: true })
  freeEndingsWindowDays!: number | null;

  @Column({ ...BIGINT, name: 'time_to_live_ms', nullable: true })
  timeToLiveMs!: number | null;

  @Column({ type: 'boolean', name: 'retry_ambiguous', nullable: true })
  mayRetryAmbiguous!: boolean | null;

  @Column({ ...TIMESTAMP, name: 'updated_at' })
  updatedAt!: Date;
}

import { Check, Column, Entity, ForeignKey, PrimaryColumn } from 'typeorm';
import { BIGINT, IDENTIFIER, TIMESTAMP } from '../../database/columns.js';

/**
 * What a team's transfers add up to, one row per team. It is a projection: `verify-ledger` derives it
 * again from the transfers. Signs: `issued` is the source of all credits and therefore minus all that
 * was ever granted; the other accounts hold what they say. Together they are always zero.
 */
@Entity('credit_accounts')
@Check('credit_accounts_balanced_check', `issued + available + held + consumed + expired = 0`)
@Check('credit_accounts_available_check', `available >= -overdraft_limit`)
@Check('credit_accounts_held_check', `held >= 0`)
@Check('credit_accounts_consumed_check', `consumed >= 0`)
@Check('credit_accounts_expired_check', `expired >= 0`)
@Check('credit_accounts_issued_check', `issued <= 0 AND issued >= -9007199254740991`)
@Check('credit_accounts_overdrawn_check', `overdrawn >= 0 AND overdrawn <= overdraft_limit`)
@Check('credit_accounts_shortfall_check', `shortfall >= 0`)
export class CreditAccount {
  @ForeignKey('Team', { name: 'credit_accounts_team_id_fkey' })
  @PrimaryColumn({ ...IDENTIFIER, name: 'team_id', primaryKeyConstraintName: 'credit_accounts_pkey' })
  teamId!: string;

  @Column(BIGINT)
  issued!: number;

  @Column(BIGINT)
  available!: number;

  @Column(BIGINT)
  held!: number;

  @Column(BIGINT)
  consumed!: number;

  @Column(BIGINT)
  expired!: number;

  /** How far the team may go into debt. */
  @Column({ ...BIGINT, name: 'overdraft_limit' })
  overdraftLimit!: number;

  /** Held or charged without a grant that pays for it: the sum over the holds. */
  @Column({ ...BIGINT, name: 'overdrawn' })
  overdrawn!: number;

  /** Due for ended jobs and not there: the sum over the holds. */
  @Column({ ...BIGINT, name: 'shortfall' })
  shortfall!: number;

  /** The sequence of the team's newest transfer; 0 before the first. */
  @Column({ ...BIGINT, name: 'last_sequence' })
  lastSequence!: number;

  /** Of a deleted team: no credits are granted to it. */
  @Column({ type: 'boolean', name: 'is_closed' })
  isClosed!: boolean;

  @Column({ ...TIMESTAMP, name: 'updated_at' })
  updatedAt!: Date;
}

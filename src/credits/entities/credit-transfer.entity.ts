import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import { BIGINT, IDENTIFIER, TIMESTAMP } from '../../database/columns.js';
import type { CreditAccountName, TransferKind } from '../credits.types.js';
import { CreditAccount } from './credit-account.entity.js';
import { CreditGrant } from './credit-grant.entity.js';
import { CreditHold } from './credit-hold.entity.js';

/**
 * One immutable line of the ledger: `credits` leave the debited account and enter the credited one.
 * Triggers refuse update, delete and truncate. Two unique indexes make it impossible to book twice:
 * one allocation per grant, and for a hold one beginning and one end.
 */
@Entity('credit_transfers')
@ForeignKey(() => CreditGrant, ['grantId', 'teamId'], ['grantId', 'teamId'], {
  name: 'credit_transfers_grant_fkey',
})
@ForeignKey(() => CreditHold, ['holdId', 'teamId'], ['holdId', 'teamId'], {
  name: 'credit_transfers_hold_fkey',
})
@Index('credit_transfers_sequence_key', ['teamId', 'sequence'], { unique: true })
@Index('credit_transfers_grant_key', ['teamId', 'grantId'], { unique: true, where: 'grant_id IS NOT NULL' })
@Index('credit_transfers_hold_begin_key', ['teamId', 'holdId'], { unique: true, where: `kind = 'hold'` })
@Index('credit_transfers_hold_end_key', ['teamId', 'holdId'], {
  unique: true,
  where: `kind IN ('capture', 'release')`,
})
@Index('credit_transfers_remaining_idx', ['teamId', 'sequence'], {
  where: `kind IN ('allocation', 'capture')`,
})
@Check('credit_transfers_credits_check', `credits > 0`)
@Check('credit_transfers_remaining_after_check', `remaining_after >= 0`)
@Check(
  'credit_transfers_kind_check',
  `(kind, debit_account, credit_account) IN (` +
    `('allocation', 'issued', 'available'), ('hold', 'available', 'held'), ` +
    `('capture', 'held', 'consumed'), ('release', 'held', 'available'))`,
)
@Check(
  'credit_transfers_subject_check',
  `(kind = 'allocation') = (grant_id IS NOT NULL) AND (kind <> 'allocation') = (hold_id IS NOT NULL)`,
)
export class CreditTransfer {
  @PrimaryColumn({ type: 'uuid', name: 'transfer_id', primaryKeyConstraintName: 'credit_transfers_pkey' })
  transferId!: string;

  @ForeignKey(() => CreditAccount, { name: 'credit_transfers_team_id_fkey' })
  @PrimaryColumn({ ...IDENTIFIER, name: 'team_id', primaryKeyConstraintName: 'credit_transfers_pkey' })
  teamId!: string;

  /** Position among the team's transfers, from 1, without gaps: given out under the account's lock. */
  @Column(BIGINT)
  sequence!: number;

  @Column({ type: 'varchar', length: 16 })
  kind!: TransferKind;

  @Column({ type: 'varchar', length: 16, name: 'debit_account' })
  debitAccount!: CreditAccountName;

  @Column({ type: 'varchar', length: 16, name: 'credit_account' })
  creditAccount!: CreditAccountName;

  @Column(BIGINT)
  credits!: number;

  /** `available` + `held` of the team when this was booked. */
  @Column({ ...BIGINT, name: 'remaining_after' })
  remainingAfter!: number;

  @Column({ type: 'uuid', name: 'grant_id', nullable: true })
  grantId!: string | null;

  @Column({ type: 'uuid', name: 'hold_id', nullable: true })
  holdId!: string | null;

  /** Read under the account's lock, so that it never runs against the sequence. */
  @Column({ ...TIMESTAMP, name: 'created_at' })
  createdAt!: Date;
}

import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import { BIGINT, IDENTIFIER, TIMESTAMP, quoted } from '../../database/columns.js';
import {
  type CreditAccountName,
  KINDS_WITHIN_REMAINING,
  MOVES,
  TRANSFER_KINDS,
  type TransferKind,
} from '../credits.types.js';
import { CreditAccount } from './credit-account.entity.js';
import { CreditGrant } from './credit-grant.entity.js';
import { CreditHold } from './credit-hold.entity.js';
import { CreditRefund } from './credit-refund.entity.js';

const kindsAbout = (subject: 'grant' | 'hold'): string =>
  quoted(TRANSFER_KINDS.filter((kind) => MOVES[kind].subject === subject));
const moves = TRANSFER_KINDS.map((kind) => `(${quoted([kind, MOVES[kind].debit, MOVES[kind].credit])})`);

/**
 * One immutable line of the ledger: `credits` leave the debited account and enter the credited one.
 * Triggers refuse update, delete and truncate. Unique indexes make it impossible to book twice: one
 * allocation per grant; for a hold one beginning, one end, one remainder and one overage; one charge per
 * call that ended late; one line per refund.
 */
@Entity('credit_transfers')
@ForeignKey(() => CreditGrant, ['grantId', 'teamId'], ['grantId', 'teamId'], {
  name: 'credit_transfers_grant_fkey',
})
@ForeignKey(() => CreditHold, ['holdId', 'teamId'], ['holdId', 'teamId'], {
  name: 'credit_transfers_hold_fkey',
})
@ForeignKey(() => CreditRefund, ['refundId', 'teamId'], ['refundId', 'teamId'], {
  name: 'credit_transfers_refund_fkey',
})
@Index('credit_transfers_sequence_key', ['teamId', 'sequence'], { unique: true })
@Index('credit_transfers_grant_key', ['teamId', 'grantId'], { unique: true, where: `kind = 'allocation'` })
@Index('credit_transfers_hold_begin_key', ['teamId', 'holdId'], { unique: true, where: `kind = 'hold'` })
@Index('credit_transfers_hold_end_key', ['teamId', 'holdId'], {
  unique: true,
  where: `kind IN ('capture', 'release')`,
})
@Index('credit_transfers_hold_remainder_key', ['teamId', 'holdId'], {
  unique: true,
  where: `kind = 'remainder'`,
})
@Index('credit_transfers_hold_overage_key', ['teamId', 'holdId'], {
  unique: true,
  where: `kind = 'overage' AND call_id IS NULL`,
})
@Index('credit_transfers_call_key', ['teamId', 'callId'], { unique: true, where: 'call_id IS NOT NULL' })
@Index('credit_transfers_refund_key', ['teamId', 'refundId'], {
  unique: true,
  where: 'refund_id IS NOT NULL',
})
@Index('credit_transfers_remaining_idx', ['teamId', 'sequence'], {
  where: `kind NOT IN (${quoted(KINDS_WITHIN_REMAINING)})`,
})
@Index('credit_transfers_job_idx', ['teamId', 'holdId'], {
  where: `kind IN ('capture', 'overage', 'collection', 'refund')`,
})
@Index('credit_transfers_rare_idx', ['teamId', 'kind', 'sequence'], {
  where: `kind IN ('allocation', 'refund', 'expiry')`,
})
@Index('credit_transfers_created_at_idx', ['teamId', 'createdAt'])
@Check('credit_transfers_credits_check', `credits > 0`)
@Check('credit_transfers_kind_check', `(kind, debit_account, credit_account) IN (${moves.join(', ')})`)
@Check(
  'credit_transfers_subject_check',
  `(kind IN (${kindsAbout('grant')})) = (grant_id IS NOT NULL) AND ` +
    `(kind NOT IN (${kindsAbout('grant')})) = (hold_id IS NOT NULL) AND ` +
    `(kind = 'refund') = (refund_id IS NOT NULL) AND (call_id IS NULL OR kind = 'overage')`,
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

  /** Of an overage: the call that ended after its job. */
  @Column({ type: 'uuid', name: 'call_id', nullable: true })
  callId!: string | null;

  @Column({ type: 'uuid', name: 'refund_id', nullable: true })
  refundId!: string | null;

  /** Read under the account's lock, so that it never runs against the sequence. */
  @Column({ ...TIMESTAMP, name: 'created_at' })
  createdAt!: Date;
}

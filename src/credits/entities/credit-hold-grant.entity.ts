import { Check, Column, Entity, ForeignKey, PrimaryColumn } from 'typeorm';
import { BIGINT, IDENTIFIER } from '../../database/columns.js';
import { CreditGrant } from './credit-grant.entity.js';
import { CreditHold } from './credit-hold.entity.js';

/**
 * How much a hold has from which grant, so that what it gives back goes to the same one. What a capture or
 * a refund gives back is taken off; the rows of a released hold stay as they were.
 */
@Entity('credit_hold_grants')
@ForeignKey(() => CreditHold, ['holdId', 'teamId'], ['holdId', 'teamId'], {
  name: 'credit_hold_grants_hold_fkey',
})
@ForeignKey(() => CreditGrant, ['grantId', 'teamId'], ['grantId', 'teamId'], {
  name: 'credit_hold_grants_grant_fkey',
})
@Check('credit_hold_grants_credits_check', `credits >= 0`)
export class CreditHoldGrant {
  @PrimaryColumn({ type: 'uuid', name: 'hold_id', primaryKeyConstraintName: 'credit_hold_grants_pkey' })
  holdId!: string;

  @PrimaryColumn({ type: 'uuid', name: 'grant_id', primaryKeyConstraintName: 'credit_hold_grants_pkey' })
  grantId!: string;

  @PrimaryColumn({ ...IDENTIFIER, name: 'team_id', primaryKeyConstraintName: 'credit_hold_grants_pkey' })
  teamId!: string;

  @Column(BIGINT)
  credits!: number;
}

import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { toSafeInteger } from '../database/columns.js';
import { queryRows } from '../database/rows.js';
import {
  CREDIT_ACCOUNTS,
  type CreditAccountName,
  type CreditTransaction,
  KINDS_WITHIN_REMAINING,
  MOVES,
  type PaymentType,
  type TransactionType,
  type TransferKind,
} from './credits.types.js';

interface TransactionRow {
  readonly transfer_id: string;
  readonly kind: TransferKind;
  readonly payment_type: PaymentType | null;
  readonly credits: string;
  readonly remaining_after: string;
  readonly reason: string | null;
  readonly job_id: string | null;
  readonly created_at: Date;
}

const NO_CHANGE = KINDS_WITHIN_REMAINING.map((kind) => `'${kind}'`).join(', ');

/** What is read from the ledger. */
@Injectable()
export class CreditReportsRepository {
  /**
   * The transfers that changed what remains, newest first, each with the grant or the job it is about.
   *
   * @param after the transfer after which the page begins, or null
   * @returns null if the team has no such transfer
   */
  async listTransactions(
    manager: EntityManager,
    teamId: string,
    after: string | null,
    limit: number,
  ): Promise<CreditTransaction[] | null> {
    const bound = after === null ? null : await this.findSequence(manager, teamId, after);
    if (after !== null && bound === null) return null;
    const rows = await queryRows<TransactionRow>(
      manager,
      `SELECT transfer_id, transfers.kind, grants.payment_type, transfers.credits, remaining_after,
              COALESCE(grants.reason, refunds.reason) AS reason, holds.job_id, transfers.created_at
         FROM credit_transfers transfers
         LEFT JOIN credit_grants grants USING (grant_id, team_id)
         LEFT JOIN credit_holds holds USING (hold_id, team_id)
         LEFT JOIN credit_refunds refunds USING (refund_id, team_id)
        WHERE team_id = $1 AND transfers.kind NOT IN (${NO_CHANGE})
          AND ($2::bigint IS NULL OR sequence < $2)
        ORDER BY sequence DESC LIMIT $3`,
      [teamId, bound, limit],
    );
    return rows.map(toTransaction);
  }

  /** What the transfers up to an instant come to, by account. */
  async sumAccounts(
    manager: EntityManager,
    teamId: string,
    instant: Date,
  ): Promise<Readonly<Record<CreditAccountName, number>>> {
    const sums = CREDIT_ACCOUNTS.map(
      (account) =>
        `COALESCE(sum(credits) FILTER (WHERE credit_account = '${account}'), 0)
         - COALESCE(sum(credits) FILTER (WHERE debit_account = '${account}'), 0) AS ${account}`,
    );
    const rows = await queryRows<Readonly<Record<CreditAccountName, string>>>(
      manager,
      `SELECT ${sums.join(', ')} FROM credit_transfers WHERE team_id = $1 AND created_at <= $2`,
      [teamId, instant],
    );
    const sumOf = (account: CreditAccountName): number => toSafeInteger(rows[0]?.[account] ?? '0');
    return {
      issued: sumOf('issued'),
      available: sumOf('available'),
      held: sumOf('held'),
      consumed: sumOf('consumed'),
      expired: sumOf('expired'),
    };
  }

  private async findSequence(
    manager: EntityManager,
    teamId: string,
    transferId: string,
  ): Promise<string | null> {
    const rows = await queryRows<{ sequence: string }>(
      manager,
      `SELECT sequence FROM credit_transfers WHERE team_id = $1 AND transfer_id = $2`,
      [teamId, transferId],
    );
    return rows[0]?.sequence ?? null;
  }
}

function toTransaction(row: TransactionRow): CreditTransaction {
  const credits = toSafeInteger(row.credits);
  const after = toSafeInteger(row.remaining_after);
  const isIncrease = MOVES[row.kind].credit === 'available';
  return {
    transactionId: row.transfer_id,
    type: transactionTypeOf(row.kind, row.payment_type),
    credits,
    remainingBefore: isIncrease ? after - credits : after + credits,
    remainingAfter: after,
    jobId: row.job_id,
    reason: row.kind === 'expiry' ? 'Expired' : row.reason,
    createdAt: row.created_at,
  };
}

function transactionTypeOf(kind: TransferKind, paymentType: PaymentType | null): TransactionType {
  switch (kind) {
    case 'allocation':
      return paymentType === null ? 'allocation' : `${paymentType}_payment`;
    case 'expiry':
      return 'adjustment';
    case 'refund':
      return 'refund';
    case 'capture':
    case 'overage':
    case 'collection':
      return 'deduction';
    case 'hold':
    case 'release':
    case 'remainder':
      throw new Error(`A ${kind} does not change what remains.`);
  }
}

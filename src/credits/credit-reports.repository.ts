import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { toSafeInteger, quoted } from '../database/columns.js';
import { queryRows } from '../database/rows.js';
import type { DailyMovement } from './credit-statement.js';
import {
  CREDIT_ACCOUNTS,
  type CreditAccountName,
  type CreditTransaction,
  type GrantRecord,
  type HistoricBalance,
  KINDS_WITHIN_REMAINING,
  MOVES,
  type PaymentType,
  type TransactionFilter,
  type TransactionType,
  type TransferKind,
} from './credits.types.js';
import { CreditGrant } from './entities/credit-grant.entity.js';

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

const CHANGES_REMAINING = `transfers.kind NOT IN (${quoted(KINDS_WITHIN_REMAINING)})`;

/** Written out, not as parameters: the planner then sees which partial index has them. */
const CONDITION_OF_TYPE: Readonly<Record<TransactionType, string>> = {
  allocation: `transfers.kind = 'allocation' AND grants.payment_type IS NULL`,
  subscription_payment: `transfers.kind = 'allocation' AND grants.payment_type = 'subscription'`,
  one_time_payment: `transfers.kind = 'allocation' AND grants.payment_type = 'one_time'`,
  deduction: `transfers.kind IN ('capture', 'overage', 'collection')`,
  refund: `transfers.kind = 'refund'`,
  adjustment: `transfers.kind = 'expiry'`,
};

const TRANSACTION_COLUMNS = `transfer_id, transfers.kind, grants.payment_type, transfers.credits, remaining_after,
  COALESCE(grants.reason, refunds.reason) AS reason, holds.job_id, transfers.created_at`;

const SUBJECTS = `
  LEFT JOIN credit_grants grants USING (grant_id, team_id)
  LEFT JOIN credit_holds holds USING (hold_id, team_id)
  LEFT JOIN credit_refunds refunds USING (refund_id, team_id)`;

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
    filter: TransactionFilter,
    after: string | null,
    limit: number,
  ): Promise<CreditTransaction[] | null> {
    const bound = after === null ? null : await this.findSequence(manager, teamId, after);
    if (after !== null && bound === null) return null;
    const parameters: unknown[] = [teamId, limit];
    const parameter = (value: unknown): string => `$${String(parameters.push(value))}`;
    const conditions = [CHANGES_REMAINING];
    if (filter.type !== null) conditions.push(CONDITION_OF_TYPE[filter.type]);
    if (bound !== null) conditions.push(`sequence < ${parameter(bound)}`);
    // Time never runs against the sequence, so that one index bounds the two.
    if (filter.createdAfter !== null) {
      const first = await this.findFirstSince(manager, teamId, filter.createdAfter);
      if (first === null) return [];
      conditions.push(`sequence >= ${parameter(first)}`);
    }
    if (filter.createdBefore !== null) {
      const first = await this.findFirstSince(manager, teamId, filter.createdBefore);
      if (first !== null) conditions.push(`sequence < ${parameter(first)}`);
    }
    const rows = await queryRows<TransactionRow>(
      manager,
      `SELECT ${TRANSACTION_COLUMNS}
         FROM ${filter.jobId === null ? 'credit_transfers transfers' : linesOfJob(parameter(filter.jobId))}
         ${SUBJECTS}
        WHERE team_id = $1 AND ${conditions.join(' AND ')}
        ORDER BY sequence DESC LIMIT $2`,
      parameters,
    );
    return rows.map(toTransaction);
  }

  /** The one allocation of a grant. */
  async getAllocation(manager: EntityManager, teamId: string, grantId: string): Promise<CreditTransaction> {
    return this.getTransaction(manager, `grant_id = $2 AND transfers.kind = 'allocation'`, teamId, grantId);
  }

  /** The one line of a refund. */
  async getRefund(manager: EntityManager, teamId: string, refundId: string): Promise<CreditTransaction> {
    return this.getTransaction(manager, `refund_id = $2`, teamId, refundId);
  }

  /** Newest first. @param after the grant after which the page begins, or null */
  async listGrants(
    manager: EntityManager,
    teamId: string,
    after: string | null,
    limit: number,
  ): Promise<GrantRecord[]> {
    const query = manager
      .getRepository(CreditGrant)
      .createQueryBuilder('grant')
      .where('grant.teamId = :teamId', { teamId })
      .orderBy('grant.grantId', 'DESC')
      .limit(limit);
    if (after !== null) query.andWhere('grant.grantId < :after', { after });
    return query.getMany();
  }

  /** What the team's transfers up to an instant, inclusive, add up to. */
  async sumAccounts(manager: EntityManager, teamId: string, instant: Date): Promise<HistoricBalance> {
    const [row] = await queryRows<Record<CreditAccountName, string>>(
      manager,
      `SELECT ${CREDIT_ACCOUNTS.map(sumOf).join(', ')}
         FROM credit_transfers WHERE team_id = $1 AND created_at <= $2`,
      [teamId, instant],
    );
    const sum = (account: CreditAccountName): number => toSafeInteger(row?.[account] ?? '0');
    const [available, held] = [sum('available'), sum('held')];
    return {
      teamId,
      allocated: 0 - sum('issued'),
      used: sum('consumed'),
      held,
      available,
      expired: sum('expired'),
      remaining: available + held,
    };
  }

  /** By day and type, of the lines from one instant to another, both inclusive. */
  async listMovements(
    manager: EntityManager,
    teamId: string,
    from: Date,
    last: Date,
  ): Promise<DailyMovement[]> {
    const rows = await queryRows<{
      day: string;
      kind: TransferKind;
      payment_type: PaymentType | null;
      credits: string;
      count: string;
    }>(
      manager,
      `SELECT to_char(transfers.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS day, transfers.kind,
              grants.payment_type, sum(transfers.credits) AS credits, count(*) AS count
         FROM credit_transfers transfers LEFT JOIN credit_grants grants USING (grant_id, team_id)
        WHERE team_id = $1 AND ${CHANGES_REMAINING} AND transfers.created_at BETWEEN $2 AND $3
        GROUP BY 1, 2, 3`,
      [teamId, from, last],
    );
    return rows.map((row) => ({
      day: row.day,
      type: transactionTypeOf(row.kind, row.payment_type),
      credits: signOf(row.kind) * toSafeInteger(row.credits),
      count: toSafeInteger(row.count),
    }));
  }

  private async getTransaction(
    manager: EntityManager,
    condition: string,
    teamId: string,
    subjectId: string,
  ): Promise<CreditTransaction> {
    const [row] = await queryRows<TransactionRow>(
      manager,
      `SELECT ${TRANSACTION_COLUMNS} FROM credit_transfers transfers ${SUBJECTS}
        WHERE team_id = $1 AND ${condition}`,
      [teamId, subjectId],
    );
    if (row === undefined) throw new Error(`Nothing was booked for ${subjectId}.`);
    return toTransaction(row);
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

  /** The sequence of the first transfer at an instant or after it. */
  private async findFirstSince(
    manager: EntityManager,
    teamId: string,
    instant: Date,
  ): Promise<string | null> {
    const rows = await queryRows<{ sequence: string }>(
      manager,
      `SELECT sequence FROM credit_transfers WHERE team_id = $1 AND created_at >= $2
        ORDER BY created_at, sequence LIMIT 1`,
      [teamId, instant],
    );
    return rows[0]?.sequence ?? null;
  }
}

/**
 * The lines of one job are few: they are looked up first, fenced off by OFFSET. Otherwise the order of the
 * page can make Postgres walk the team's whole ledger in search of them.
 */
function linesOfJob(jobId: string): string {
  return `(SELECT * FROM credit_transfers transfers
            WHERE team_id = $1 AND kind IN ('capture', 'overage', 'collection', 'refund')
              AND hold_id = ANY (ARRAY(SELECT hold_id FROM credit_holds WHERE team_id = $1 AND job_id = ${jobId}))
           OFFSET 0) transfers`;
}

function sumOf(account: CreditAccountName): string {
  return `COALESCE(sum(CASE WHEN credit_account = '${account}' THEN credits
                            WHEN debit_account = '${account}' THEN -credits END), 0) AS ${account}`;
}

function toTransaction(row: TransactionRow): CreditTransaction {
  const credits = toSafeInteger(row.credits);
  const after = toSafeInteger(row.remaining_after);
  return {
    transactionId: row.transfer_id,
    type: transactionTypeOf(row.kind, row.payment_type),
    credits,
    remainingBefore: after - signOf(row.kind) * credits,
    remainingAfter: after,
    jobId: row.job_id,
    reason: row.kind === 'expiry' ? 'Expired' : row.reason,
    createdAt: row.created_at,
  };
}

/** Of what a kind does to what remains. */
function signOf(kind: TransferKind): 1 | -1 {
  return MOVES[kind].credit === 'available' ? 1 : -1;
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

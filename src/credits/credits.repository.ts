import { Injectable } from '@nestjs/common';
import { type EntityManager, In } from 'typeorm';
import { newId } from '../common/identifiers.js';
import { toSafeInteger } from '../database/columns.js';
import { violatesCheck } from '../database/postgres-error.js';
import { queryRows } from '../database/rows.js';
import { creditLimitExceeded } from './credits.errors.js';
import type {
  CreditAccountName,
  CreditBalance,
  CreditTransaction,
  GrantRecord,
  TransferKind,
} from './credits.types.js';
import { CreditAccount } from './entities/credit-account.entity.js';
import { CreditGrant } from './entities/credit-grant.entity.js';
import { CreditHold } from './entities/credit-hold.entity.js';

/** Which account a transfer debits and which it credits; the database's CHECK repeats it. */
const ACCOUNTS_OF_TRANSFER: Readonly<
  Record<TransferKind, { readonly debit: CreditAccountName; readonly credit: CreditAccountName }>
> = {
  allocation: { debit: 'issued', credit: 'available' },
  hold: { debit: 'available', credit: 'held' },
  capture: { debit: 'held', credit: 'consumed' },
  release: { debit: 'held', credit: 'available' },
};

/** When a transfer is refused, beside what the database's CHECKs refuse. */
const CONDITION_OF_TRANSFER: Readonly<Record<TransferKind, string>> = {
  allocation: 'AND NOT is_closed',
  hold: 'AND available >= $2',
  capture: '',
  release: '',
};

interface AccountRow {
  readonly team_id: string;
  readonly issued: string;
  readonly available: string;
  readonly held: string;
  readonly consumed: string;
}

interface TransactionRow {
  readonly transfer_id: string;
  readonly kind: 'allocation' | 'capture';
  readonly credits: string;
  readonly remaining_after: string;
  readonly reason: string | null;
  readonly job_id: string | null;
  readonly created_at: Date;
}

interface TransferSubject {
  readonly grantId?: string;
  readonly holdId?: string;
}

interface HoldRecord {
  readonly holdId: string;
  readonly credits: number;
}

/** All SQL over accounts, grants, holds and transfers. */
@Injectable()
export class CreditsRepository {
  async insertAccount(manager: EntityManager, teamId: string, now: Date): Promise<void> {
    await manager.getRepository(CreditAccount).insert({
      teamId,
      issued: 0,
      available: 0,
      held: 0,
      consumed: 0,
      lastSequence: 0,
      isClosed: false,
      updatedAt: now,
    });
  }

  async closeAccount(manager: EntityManager, teamId: string): Promise<void> {
    await manager.getRepository(CreditAccount).update({ teamId }, { isClosed: true });
  }

  async findBalance(manager: EntityManager, teamId: string): Promise<CreditBalance | null> {
    const account = await manager.getRepository(CreditAccount).findOneBy({ teamId });
    return account === null ? null : toBalance(account);
  }

  async listBalances(
    manager: EntityManager,
    teamIds: readonly string[],
  ): Promise<ReadonlyMap<string, CreditBalance>> {
    const accounts = await manager.getRepository(CreditAccount).findBy({ teamId: In(teamIds) });
    return new Map(accounts.map((account) => [account.teamId, toBalance(account)]));
  }

  async insertGrant(manager: EntityManager, grant: GrantRecord): Promise<void> {
    await manager.getRepository(CreditGrant).insert({ ...grant, remaining: grant.credits });
  }

  async insertHold(
    manager: EntityManager,
    hold: { holdId: string; teamId: string; jobId: string; number: number; credits: number; createdAt: Date },
  ): Promise<void> {
    await manager.getRepository(CreditHold).insert({ ...hold, status: 'held', endedAt: null });
  }

  /**
   * Ends the job's running hold, if it has one; the row lock makes a second ender wait and then find
   * nothing.
   */
  async endHold(
    manager: EntityManager,
    end: { teamId: string; jobId: string; status: 'captured' | 'released'; endedAt: Date },
  ): Promise<HoldRecord | null> {
    const rows = await queryRows<{ hold_id: string; credits: string }>(
      manager,
      `UPDATE credit_holds SET status = $3, ended_at = $4
        WHERE team_id = $1 AND job_id = $2 AND status = 'held'
        RETURNING hold_id, credits`,
      [end.teamId, end.jobId, end.status, end.endedAt],
    );
    const row = rows[0];
    return row === undefined ? null : { holdId: row.hold_id, credits: toSafeInteger(row.credits) };
  }

  /**
   * Moves credits between two accounts and writes the transfer, in one statement that also decides:
   * credits are taken from `available` only if they are there. The account row stays locked until the
   * transaction ends, which is what makes the sequence free of gaps and the decision final.
   *
   * @returns the balance after it, or null if the account is missing, has too little available or, for an
   * allocation, is closed
   */
  async transfer(
    manager: EntityManager,
    teamId: string,
    kind: TransferKind,
    credits: number,
    subject: TransferSubject,
  ): Promise<CreditBalance | null> {
    const { debit, credit } = ACCOUNTS_OF_TRANSFER[kind];
    try {
      const rows = await queryRows<AccountRow>(
        manager,
        `WITH account AS (
           UPDATE credit_accounts
              SET ${debit} = ${debit} - $2, ${credit} = ${credit} + $2,
                  last_sequence = last_sequence + 1, updated_at = clock_timestamp()
            WHERE team_id = $1 ${CONDITION_OF_TRANSFER[kind]}
           RETURNING *
         ), transfer AS (
           INSERT INTO credit_transfers (transfer_id, team_id, sequence, kind, debit_account, credit_account,
                                         credits, remaining_after, grant_id, hold_id, created_at)
           SELECT $3, team_id, last_sequence, $4, $5, $6, $2, available + held, $7::uuid, $8::uuid, updated_at
             FROM account
         )
         SELECT team_id, issued, available, held, consumed FROM account`,
        [teamId, credits, newId(), kind, debit, credit, subject.grantId ?? null, subject.holdId ?? null],
      );
      const row = rows[0];
      return row === undefined ? null : rowToBalance(row);
    } catch (error) {
      if (violatesCheck(error, 'credit_accounts_issued_check')) throw creditLimitExceeded();
      throw error;
    }
  }

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
      `SELECT transfer_id, kind, transfers.credits, remaining_after, grants.reason, holds.job_id,
              transfers.created_at
         FROM credit_transfers transfers
         LEFT JOIN credit_grants grants USING (grant_id, team_id)
         LEFT JOIN credit_holds holds USING (hold_id, team_id)
        WHERE team_id = $1 AND kind IN ('allocation', 'capture')
          AND ($2::bigint IS NULL OR sequence < $2)
        ORDER BY sequence DESC LIMIT $3`,
      [teamId, bound, limit],
    );
    return rows.map(toTransaction);
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

  /**
   * Draws credits from the team's grants, oldest first, and notes which hold took how much from which.
   * The caller holds the account's lock, so nobody draws beside it.
   *
   * @returns the credits drawn; less than asked for means that grants and account disagree
   */
  async drawGrants(
    manager: EntityManager,
    draw: { teamId: string; holdId: string; credits: number },
  ): Promise<number> {
    const rows = await queryRows<{ credits: string }>(
      manager,
      `WITH open AS (
         SELECT grant_id, remaining, sum(remaining) OVER (ORDER BY grant_id) - remaining AS before
           FROM credit_grants WHERE team_id = $1 AND remaining > 0
       ), drawn AS (
         SELECT grant_id, LEAST(remaining, $3::bigint - before)::bigint AS credits
           FROM open WHERE before < $3::bigint
       ), updated AS (
         UPDATE credit_grants SET remaining = remaining - drawn.credits
           FROM drawn WHERE credit_grants.team_id = $1 AND credit_grants.grant_id = drawn.grant_id
       )
       INSERT INTO credit_hold_grants (hold_id, grant_id, team_id, credits)
       SELECT $2, grant_id, $1, credits FROM drawn
       RETURNING credits`,
      [draw.teamId, draw.holdId, draw.credits],
    );
    return rows.reduce((total, row) => total + toSafeInteger(row.credits), 0);
  }

  /** Gives a released hold's credits back to the grants they were drawn from. */
  async restoreGrants(manager: EntityManager, teamId: string, holdId: string): Promise<void> {
    await queryRows(
      manager,
      `UPDATE credit_grants SET remaining = remaining + drawn.credits
         FROM credit_hold_grants drawn
        WHERE drawn.team_id = $1 AND drawn.hold_id = $2
          AND credit_grants.team_id = $1 AND credit_grants.grant_id = drawn.grant_id`,
      [teamId, holdId],
    );
  }
}

function toTransaction(row: TransactionRow): CreditTransaction {
  const credits = toSafeInteger(row.credits);
  const after = toSafeInteger(row.remaining_after);
  return {
    transactionId: row.transfer_id,
    type: row.kind === 'allocation' ? 'allocation' : 'deduction',
    credits,
    remainingBefore: row.kind === 'allocation' ? after - credits : after + credits,
    remainingAfter: after,
    jobId: row.job_id,
    reason: row.reason,
    createdAt: row.created_at,
  };
}

function rowToBalance(row: AccountRow): CreditBalance {
  return toBalance({
    teamId: row.team_id,
    issued: toSafeInteger(row.issued),
    available: toSafeInteger(row.available),
    held: toSafeInteger(row.held),
    consumed: toSafeInteger(row.consumed),
  });
}

function toBalance(account: {
  teamId: string;
  issued: number;
  available: number;
  held: number;
  consumed: number;
}): CreditBalance {
  return {
    teamId: account.teamId,
    // `issued` grows negative; 0 - x rather than -x, which would make a minus zero.
    allocated: 0 - account.issued,
    used: account.consumed,
    held: account.held,
    available: account.available,
    remaining: account.available + account.held,
  };
}

import { Injectable } from '@nestjs/common';
import { type EntityManager, In } from 'typeorm';
import { queryRows } from '../database/rows.js';
import { toSafeInteger } from '../database/columns.js';
import { type AccountState, CreditBook, type GrantState, type HoldState, toBalance } from './credit-book.js';
import { type CreditBalance, type GrantRecord, type HoldStatus, MOVES } from './credits.types.js';
import { CreditAccount } from './entities/credit-account.entity.js';
import { CreditGrant } from './entities/credit-grant.entity.js';

interface HoldRow {
  readonly hold_id: string;
  readonly job_id: string;
  readonly job_type: string;
  readonly number: number;
  readonly credits: string;
  readonly status: HoldStatus;
  readonly captured: string;
  readonly refunded: string;
  readonly shortfall: string;
  readonly overdrawn: string;
  readonly created_at: Date;
  readonly ended_at: Date | null;
  readonly draws: Readonly<Record<string, number>>;
}

/** Accounts, grants, holds and the ledger. A book is opened under the account's lock and saved as a whole. */
@Injectable()
export class CreditsRepository {
  async insertAccount(manager: EntityManager, teamId: string, now: Date): Promise<void> {
    await manager.getRepository(CreditAccount).insert({
      teamId,
      issued: 0,
      available: 0,
      held: 0,
      consumed: 0,
      expired: 0,
      overdraftLimit: 0,
      overdrawn: 0,
      shortfall: 0,
      lastSequence: 0,
      isClosed: false,
      updatedAt: now,
    });
  }

  async closeAccount(manager: EntityManager, teamId: string): Promise<void> {
    await manager.getRepository(CreditAccount).update({ teamId }, { isClosed: true });
  }

  async setOverdraftLimit(manager: EntityManager, teamId: string, limit: number): Promise<void> {
    await manager.getRepository(CreditAccount).update({ teamId }, { overdraftLimit: limit });
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

  /** Teams of which credits have run out that are still counted as available. */
  async listTeamsWithExpired(manager: EntityManager, now: Date, limit: number): Promise<string[]> {
    const rows = await queryRows<{ team_id: string }>(
      manager,
      `SELECT DISTINCT team_id FROM credit_grants WHERE remaining > 0 AND expires_at <= $1 LIMIT $2`,
      [now, limit],
    );
    return rows.map((row) => row.team_id);
  }

  async hasExpired(manager: EntityManager, teamId: string, now: Date): Promise<boolean> {
    const rows = await queryRows(
      manager,
      `SELECT 1 FROM credit_grants WHERE team_id = $1 AND remaining > 0 AND expires_at <= $2 LIMIT 1`,
      [teamId, now],
    );
    return rows.length > 0;
  }

  async findGrantByReference(
    manager: EntityManager,
    teamId: string,
    externalReference: string,
  ): Promise<GrantRecord | null> {
    return manager.getRepository(CreditGrant).findOneBy({ teamId, externalReference });
  }

  /**
   * Locks the account until the transaction ends and reads what is behind it, which nobody else can change
   * meanwhile. The lock is taken by a statement of its own: what the next ones read is not older than it.
   *
   * A team may have many holds that are not paid in full. They are read only where something could pay them,
   * or every job of a team that lives on its overdraft would read all those before it.
   *
   * @param jobId whose holds are needed, or null
   * @param clock asked once the account is locked
   * @param bringsCredits whether the caller brings credits that are not there yet, by the holds of the job
   * @returns null if there is no such account
   */
  async openBook(
    manager: EntityManager,
    teamId: string,
    jobId: string | null,
    clock: { now(): Date },
    bringsCredits: (holdsOfJob: readonly HoldState[]) => boolean,
  ): Promise<CreditBook | null> {
    const account = await manager
      .getRepository(CreditAccount)
      .findOne({ where: { teamId }, lock: { mode: 'for_no_key_update' } });
    return account === null ? null : this.readContents(manager, account, jobId, bringsCredits, clock.now());
  }

  /** The book as a snapshot shows it, to look at and not to be saved. @param manager of one that reads a snapshot */
  async readBook(manager: EntityManager, teamId: string, now: Date): Promise<CreditBook | null> {
    const account = await manager.getRepository(CreditAccount).findOneBy({ teamId });
    return account === null ? null : this.readContents(manager, account, null, () => false, now);
  }

  private async readContents(
    manager: EntityManager,
    account: CreditAccount,
    jobId: string | null,
    bringsCredits: (holdsOfJob: readonly HoldState[]) => boolean,
    now: Date,
  ): Promise<CreditBook> {
    const { teamId } = account;
    const ofJob = jobId === null ? [] : await this.listHolds(manager, teamId, { jobId });
    const grants = await this.listGrants(manager, teamId, [
      ...new Set(ofJob.flatMap((hold) => [...hold.draws.keys()])),
    ]);
    const isUnpaid = account.shortfall > 0 || account.overdrawn > 0;
    const canPay = bringsCredits(ofJob) || grants.some((grant) => grant.remaining > 0);
    const unpaid = isUnpaid && canPay ? await this.listHolds(manager, teamId, 'unpaid') : [];
    const holds = [...ofJob, ...unpaid.filter((hold) => hold.jobId !== jobId)];
    // Clocks of replicas differ: the ledger's time never runs backwards.
    return new CreditBook(account, { grants, holds }, now > account.updatedAt ? now : account.updatedAt);
  }

  /** Writes what has changed in the book, in one statement. */
  async saveBook(manager: EntityManager, book: CreditBook): Promise<void> {
    const { account, now } = book;
    if (book.transfers.length === 0 && book.changedHolds.size === 0 && book.changedGrants.size === 0) return;
    const rows = await queryRows(
      manager,
      `WITH account AS (
         UPDATE credit_accounts
            SET issued = $2, available = $3, held = $4, consumed = $5, expired = $6, overdrawn = $7,
                shortfall = $8, last_sequence = $9, updated_at = $10
          WHERE team_id = $1 AND last_sequence = $11
         RETURNING team_id
       ), grants AS (
         INSERT INTO credit_grants (grant_id, team_id, credits, remaining, expired, kind, reason, unit_price_usd,
                                    priority, starts_at, expires_at, job_types, external_reference, payment_type,
                                    payment_amount_usd, created_at)
         SELECT * FROM jsonb_to_recordset($12) AS g (grant_id uuid, team_id varchar, credits bigint, remaining bigint,
                expired bigint, kind varchar, reason varchar, unit_price_usd numeric, priority integer,
                starts_at timestamptz, expires_at timestamptz, job_types varchar[], external_reference varchar,
                payment_type varchar, payment_amount_usd numeric, created_at timestamptz)
         ON CONFLICT (grant_id, team_id) DO UPDATE SET remaining = EXCLUDED.remaining, expired = EXCLUDED.expired
       ), holds AS (
         INSERT INTO credit_holds (hold_id, team_id, job_id, job_type, number, credits, status, captured, refunded,
                                   shortfall, overdrawn, created_at, ended_at)
         SELECT * FROM jsonb_to_recordset($13) AS h (hold_id uuid, team_id varchar, job_id uuid, job_type varchar,
                number smallint, credits bigint, status varchar, captured bigint, refunded bigint, shortfall bigint,
                overdrawn bigint, created_at timestamptz, ended_at timestamptz)
         ON CONFLICT (hold_id, team_id) DO UPDATE
            SET status = EXCLUDED.status, captured = EXCLUDED.captured, refunded = EXCLUDED.refunded,
                shortfall = EXCLUDED.shortfall, overdrawn = EXCLUDED.overdrawn, ended_at = EXCLUDED.ended_at
       ), draws AS (
         INSERT INTO credit_hold_grants (hold_id, grant_id, team_id, credits)
         SELECT * FROM jsonb_to_recordset($14) AS d (hold_id uuid, grant_id uuid, team_id varchar, credits bigint)
         ON CONFLICT (hold_id, grant_id, team_id) DO UPDATE SET credits = EXCLUDED.credits
       ), refunds AS (
         INSERT INTO credit_refunds (refund_id, team_id, hold_id, credits, reason, created_at)
         SELECT refund_id, $1, hold_id, credits, reason, $10
           FROM jsonb_to_recordset($15) AS r (refund_id uuid, hold_id uuid, credits bigint, reason varchar)
       ), transfers AS (
         INSERT INTO credit_transfers (transfer_id, team_id, sequence, kind, debit_account, credit_account, credits,
                                       remaining_after, grant_id, hold_id, call_id, refund_id, created_at)
         SELECT transfer_id, $1, sequence, kind, debit_account, credit_account, credits, remaining_after, grant_id,
                hold_id, call_id, refund_id, $10
           FROM jsonb_to_recordset($16) AS t (transfer_id uuid, sequence bigint, kind varchar, debit_account varchar,
                credit_account varchar, credits bigint, remaining_after bigint, grant_id uuid, hold_id uuid,
                call_id uuid, refund_id uuid)
       )
       SELECT team_id FROM account`,
      [
        account.teamId,
        account.issued,
        account.available,
        account.held,
        account.consumed,
        account.expired,
        account.overdrawn,
        account.shortfall,
        account.lastSequence,
        now,
        account.lastSequence - book.transfers.length,
        JSON.stringify([...book.changedGrants].map(toGrantRow)),
        JSON.stringify([...book.changedHolds].map((hold) => toHoldRow(account, hold))),
        JSON.stringify([...book.changedHolds].flatMap((hold) => toDrawRows(account, hold))),
        JSON.stringify(
          book.refunds.map((refund) => ({
            refund_id: refund.refundId,
            hold_id: refund.holdId,
            credits: refund.credits,
            reason: refund.reason,
          })),
        ),
        JSON.stringify(
          book.transfers.map((transfer) => ({
            transfer_id: transfer.transferId,
            sequence: transfer.sequence,
            kind: transfer.kind,
            debit_account: MOVES[transfer.kind].debit,
            credit_account: MOVES[transfer.kind].credit,
            credits: transfer.credits,
            remaining_after: transfer.remainingAfter,
            grant_id: transfer.grantId,
            hold_id: transfer.holdId,
            call_id: transfer.callId,
            refund_id: transfer.refundId,
          })),
        ),
      ],
    );
    if (rows.length !== 1) throw new Error(`The account of team ${account.teamId} changed under its lock.`);
  }

  private async listHolds(
    manager: EntityManager,
    teamId: string,
    which: { readonly jobId: string } | 'unpaid',
  ): Promise<HoldState[]> {
    const rows = await queryRows<HoldRow>(
      manager,
      `SELECT holds.*, (SELECT COALESCE(jsonb_object_agg(grant_id, drawn.credits), '{}')
                          FROM credit_hold_grants drawn
                         WHERE drawn.hold_id = holds.hold_id AND drawn.team_id = holds.team_id) AS draws
         FROM credit_holds holds
        WHERE team_id = $1 AND ${which === 'unpaid' ? '(shortfall > 0 OR overdrawn > 0)' : 'job_id = $2'}
        ORDER BY hold_id`,
      which === 'unpaid' ? [teamId] : [teamId, which.jobId],
    );
    return rows.map((row) => ({
      holdId: row.hold_id,
      jobId: row.job_id,
      jobType: row.job_type,
      number: row.number,
      credits: toSafeInteger(row.credits),
      status: row.status,
      captured: toSafeInteger(row.captured),
      refunded: toSafeInteger(row.refunded),
      shortfall: toSafeInteger(row.shortfall),
      overdrawn: toSafeInteger(row.overdrawn),
      createdAt: row.created_at,
      endedAt: row.ended_at,
      draws: new Map(Object.entries(row.draws)),
    }));
  }

  /** Those with something left, and these. */
  private async listGrants(
    manager: EntityManager,
    teamId: string,
    grantIds: readonly string[],
  ): Promise<GrantState[]> {
    const grants = await manager
      .getRepository(CreditGrant)
      .createQueryBuilder('grant')
      .where('grant.teamId = :teamId', { teamId })
      .andWhere(
        grantIds.length === 0
          ? 'grant.remaining > 0'
          : '(grant.remaining > 0 OR grant.grantId = ANY(:grantIds))',
        {
          grantIds,
        },
      )
      .getMany();
    return grants;
  }
}

function toGrantRow(grant: GrantState): Record<string, unknown> {
  return {
    grant_id: grant.grantId,
    team_id: grant.teamId,
    credits: grant.credits,
    remaining: grant.remaining,
    expired: grant.expired,
    kind: grant.kind,
    reason: grant.reason,
    unit_price_usd: grant.unitPriceUsd,
    priority: grant.priority,
    starts_at: grant.startsAt,
    expires_at: grant.expiresAt,
    job_types: grant.jobTypes,
    external_reference: grant.externalReference,
    payment_type: grant.paymentType,
    payment_amount_usd: grant.paymentAmountUsd,
    created_at: grant.createdAt,
  };
}

function toHoldRow(account: AccountState, hold: HoldState): Record<string, unknown> {
  return {
    hold_id: hold.holdId,
    team_id: account.teamId,
    job_id: hold.jobId,
    job_type: hold.jobType,
    number: hold.number,
    credits: hold.credits,
    status: hold.status,
    captured: hold.captured,
    refunded: hold.refunded,
    shortfall: hold.shortfall,
    overdrawn: hold.overdrawn,
    created_at: hold.createdAt,
    ended_at: hold.endedAt,
  };
}

function toDrawRows(account: AccountState, hold: HoldState): Record<string, unknown>[] {
  return [...hold.draws].map(([grantId, credits]) => ({
    hold_id: hold.holdId,
    grant_id: grantId,
    team_id: account.teamId,
    credits,
  }));
}

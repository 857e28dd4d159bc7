import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { queryRows } from '../database/rows.js';
import type { FoundKey, KeyedRequest, KeyScope, KeyState } from './idempotency.types.js';

/** A request that is known to run is never taken for expired: it would be sent again. */
const IS_EXPIRED = (now: string): string =>
  `idempotency_keys.expires_at <= ${now}
   AND (idempotency_keys.lease_expires_at IS NULL OR idempotency_keys.lease_expires_at <= clock_timestamp())`;

const IS_THE_ONE = 'caller = $1 AND route = $2 AND idempotency_key = $3';

@Injectable()
export class IdempotencyRepository {
  /** Keeps others with the same key away until the transaction ends. @returns false if one of them was first */
  async tryLock(manager: EntityManager, lock: bigint): Promise<boolean> {
    const [row] = await queryRows<{ locked: boolean }>(
      manager,
      'SELECT pg_try_advisory_xact_lock($1) AS locked',
      [lock.toString()],
    );
    return row?.locked === true;
  }

  async find(manager: EntityManager, scope: KeyScope, now: Date): Promise<FoundKey | null> {
    const [row] = await queryRows<{
      fingerprint: Buffer;
      state: KeyState;
      is_lease_running: boolean;
      answer: Buffer | null;
    }>(
      manager,
      `SELECT fingerprint, state, coalesce(lease_expires_at > clock_timestamp(), false) AS is_lease_running, answer
         FROM idempotency_keys WHERE ${IS_THE_ONE} AND NOT (${IS_EXPIRED('$4')})`,
      [scope.caller, scope.route, scope.key, now],
    );
    if (row === undefined) return null;
    const { fingerprint, state, answer } = row;
    return { fingerprint, state, answer, isLeaseRunning: row.is_lease_running };
  }

  /** @param answer null for one that is too large @returns false if the key has a live row */
  async insertAnswer(
    manager: EntityManager,
    request: KeyedRequest,
    row: { answer: Buffer | null; now: Date; expiresAt: Date },
  ): Promise<boolean> {
    const { caller, route, key, fingerprint } = request;
    const rows = await queryRows(
      manager,
      `INSERT INTO idempotency_keys (caller, route, idempotency_key, fingerprint, state, answer, created_at, expires_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
       ${replacingExpired('$7')} RETURNING 1`,
      [caller, route, key, fingerprint, stateOf(row.answer), row.answer, row.now, row.expiresAt],
    );
    return rows.length === 1;
  }

  /** Of any number of requests at once one gets the key, by the primary key. @returns whether this one has */
  async insertClaim(
    manager: EntityManager,
    request: KeyedRequest,
    row: { claimId: string; leaseMs: number; now: Date; expiresAt: Date },
  ): Promise<boolean> {
    const { caller, route, key, fingerprint } = request;
    const rows = await queryRows(
      manager,
      `INSERT INTO idempotency_keys (caller, route, idempotency_key, fingerprint, state, claim_id, lease_expires_at,
                                     created_at, expires_at)
       VALUES ($1, $2, $3, $4, 'running', $5, clock_timestamp() + $6 * interval '1 millisecond', $7, $8)
       ${replacingExpired('$7')} RETURNING 1`,
      [caller, route, key, fingerprint, row.claimId, row.leaseMs, row.now, row.expiresAt],
    );
    return rows.length === 1;
  }

  async renewLeases(manager: EntityManager, claimIds: readonly string[], leaseMs: number): Promise<void> {
    await queryRows(
      manager,
      `UPDATE idempotency_keys SET lease_expires_at = clock_timestamp() + $2 * interval '1 millisecond'
        WHERE claim_id = ANY($1::uuid[]) AND state = 'running'`,
      [claimIds, leaseMs],
    );
  }

  /** Also after the lease has run out, as long as nobody else has the key. @returns false if somebody has */
  async storeAnswer(
    manager: EntityManager,
    scope: KeyScope,
    row: { claimId: string; answer: Buffer | null; expiresAt: Date },
  ): Promise<boolean> {
    const rows = await queryRows(
      manager,
      `UPDATE idempotency_keys
          SET state = $5, answer = $6, expires_at = $7, claim_id = NULL, lease_expires_at = NULL
        WHERE ${IS_THE_ONE} AND claim_id = $4 RETURNING 1`,
      [scope.caller, scope.route, scope.key, row.claimId, stateOf(row.answer), row.answer, row.expiresAt],
    );
    return rows.length === 1;
  }

  async deleteClaim(manager: EntityManager, scope: KeyScope, claimId: string): Promise<void> {
    await queryRows(manager, `DELETE FROM idempotency_keys WHERE ${IS_THE_ONE} AND claim_id = $4`, [
      scope.caller,
      scope.route,
      scope.key,
      claimId,
    ]);
  }

  /** What another process deletes right now is left to it. @returns how many went */
  async deleteExpired(manager: EntityManager, now: Date, limit: number): Promise<number> {
    const rows = await queryRows(
      manager,
      `DELETE FROM idempotency_keys gone
        USING (SELECT caller, route, idempotency_key FROM idempotency_keys WHERE ${IS_EXPIRED('$1')}
                ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED) expired
        WHERE gone.caller = expired.caller AND gone.route = expired.route
          AND gone.idempotency_key = expired.idempotency_key
       RETURNING 1`,
      [now, limit],
    );
    return rows.length;
  }
}

function stateOf(answer: Buffer | null): KeyState {
  return answer === null ? 'too_large' : 'stored';
}

function replacingExpired(now: string): string {
  return `ON CONFLICT (caller, route, idempotency_key) DO UPDATE
          SET fingerprint = excluded.fingerprint, state = excluded.state, claim_id = excluded.claim_id,
              lease_expires_at = excluded.lease_expires_at, answer = excluded.answer,
              created_at = excluded.created_at, expires_at = excluded.expires_at
        WHERE ${IS_EXPIRED(now)}`;
}

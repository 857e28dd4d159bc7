import type { Interval } from '../common/time.js';
import { type HistoricBalance, TRANSACTION_TYPES, type TransactionType } from './credits.types.js';

/** Lines of the ledger that changed what remains, of one day and one type. */
export interface DailyMovement {
  /** `YYYY-MM-DD` in UTC. */
  readonly day: string;
  readonly type: TransactionType;
  /** Positive for what came, negative for what went. */
  readonly credits: number;
  readonly count: number;
}

export interface StatementTotal {
  readonly type: TransactionType;
  /** Positive for what came, negative for what went. */
  readonly credits: number;
  readonly count: number;
}

/** What a month did to the credits that remain to a team. */
export interface CreditStatement {
  readonly teamId: string;
  /** `YYYY-MM`. */
  readonly period: string;
  /** Of the month; of one in progress, up to now. */
  readonly interval: Interval;
  /** Whether the month is over: nothing of it will change. */
  readonly isFinal: boolean;
  readonly opening: HistoricBalance;
  /** By day and type; a day without a movement is left out. */
  readonly movements: readonly DailyMovement[];
  /** Of every type, in the order of `TRANSACTION_TYPES`. */
  readonly totals: readonly StatementTotal[];
  readonly closing: HistoricBalance;
}

/** One movement per day and type, however many kinds of transfers make one up. */
export function mergeMovements(movements: readonly DailyMovement[]): DailyMovement[] {
  const merged = new Map<string, DailyMovement>();
  for (const movement of movements) {
    const key = `${movement.day} ${String(TRANSACTION_TYPES.indexOf(movement.type))}`;
    const { credits, count } = merged.get(key) ?? { credits: 0, count: 0 };
    merged.set(key, {
      ...movement,
      credits: credits + movement.credits,
      count: count + movement.count,
    });
  }
  return [...merged].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, movement]) => movement);
}

export function totalMovements(movements: readonly DailyMovement[]): StatementTotal[] {
  return TRANSACTION_TYPES.map((type) => {
    const ofType = movements.filter((movement) => movement.type === type);
    return {
      type,
      credits: ofType.reduce((sum, movement) => sum + movement.credits, 0),
      count: ofType.reduce((sum, movement) => sum + movement.count, 0),
    };
  });
}

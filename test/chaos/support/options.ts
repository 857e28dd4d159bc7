import { randomInt } from 'node:crypto';

/** How large a run is, and what makes it repeatable; set by `run.mjs`. */
export interface ChaosOptions {
  readonly isShort: boolean;
  readonly seed: number;
  /** Of a failed model test: where fast-check found it. */
  readonly path: string | null;
  /** Of the model test. */
  readonly operations: number;
}

const SHORT_OPERATIONS = 2_000;
const LONG_OPERATIONS = 100_000;

export const CHAOS: ChaosOptions = readOptions(process.env);

function readOptions(environment: Readonly<Record<string, string | undefined>>): ChaosOptions {
  const isShort = environment['CHAOS_SIZE'] !== 'long';
  return {
    isShort,
    seed: Number(environment['CHAOS_SEED'] ?? randomInt(2 ** 31)),
    path: environment['CHAOS_PATH'] ?? null,
    operations: Number(environment['CHAOS_OPERATIONS'] ?? (isShort ? SHORT_OPERATIONS : LONG_OPERATIONS)),
  };
}

/** Of the two sizes of a scenario, the one of this run. */
export function sized<T>(short: T, long: T): T {
  return CHAOS.isShort ? short : long;
}

/** What a scenario did, in one line that a reader of the log finds. */
export function report(scenario: string, figures: Readonly<Record<string, string | number>>): void {
  const text = Object.entries(figures)
    .map(([name, value]) => `${String(value)} ${name}`)
    .join(', ');
  process.stdout.write(`chaos | ${scenario} | seed ${String(CHAOS.seed)} | ${text}\n`);
}

import { readFile, stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { query, type Workbench } from './workbench.ts';

/** For every process of the database to hear of a changed setting. */
const RELOAD_MS = 300;
/** A sweep of the service may come between the statements of one completion. */
const MAX_SAMPLES = 3;

/** One statement of a completion, and how pgbench does the same. */
interface Step {
  /** What the statement that the service sends begins with. */
  readonly begins: string;
  /** What stands in pgbench's place of `$1`, `$2`, …; `:name` is a variable of the script. */
  readonly values?: readonly string[];
  /** Variables that are computed before it. */
  readonly set?: Readonly<Record<string, string>>;
  /** Keeps the columns of the answer as variables, under names that begin like this. */
  readonly keep?: string;
}

const TEAM = ':VirtualKey_team_id';
const JOB = '(SELECT job_id FROM bench_jobs WHERE number = :number)';

/** What the service decides from rows it has read, the script computes from the same rows. */
const STEPS: readonly Step[] = [
  {
    begins: 'SELECT "VirtualKey"',
    set: { turn: ':turn + 1', number: ':first + :turn * :clients + :client_id' },
    values: ['(SELECT key_hash FROM bench_jobs WHERE number = :number)'],
    keep: '',
  },
  { begins: 'START TRANSACTION' },
  {
    begins: 'UPDATE jobs',
    values: [JOB, TEAM, `'completed'`, 'NULL', `'{}'`, 'now()'],
    keep: '',
  },
  { begins: 'SELECT "Job"', values: [':job_id', TEAM], keep: '' },
  { begins: 'SELECT "Team"', values: [TEAM], keep: '' },
  { begins: 'SELECT "CreditAccount"', values: [TEAM], keep: '' },
  { begins: 'SELECT holds.*', values: [TEAM, ':job_id'], keep: 'hold_' },
  {
    begins: 'SELECT "grant"',
    values: [TEAM, 'ARRAY(SELECT jsonb_object_keys(:hold_draws::jsonb)::uuid)'],
    keep: '',
  },
  {
    begins: 'WITH account AS',
    set: {
      held: ':CreditAccount_held - :hold_credits',
      consumed: ':CreditAccount_consumed + :hold_credits',
      remaining: ':CreditAccount_available + :held',
      sequence: ':CreditAccount_last_sequence + 1',
    },
    values: [
      TEAM,
      ':CreditAccount_issued',
      ':CreditAccount_available',
      ':held',
      ':consumed',
      ':CreditAccount_expired',
      ':CreditAccount_overdrawn',
      ':CreditAccount_shortfall',
      ':sequence',
      'clock_timestamp()',
      ':CreditAccount_last_sequence',
      `'[]'`,
      `jsonb_build_array(jsonb_build_object('hold_id', :hold_hold_id::text, 'team_id', ${TEAM}::text,
         'job_id', :job_id::text, 'job_type', :Job_job_type::text, 'number', 1, 'credits', :hold_credits::int,
         'status', 'captured', 'captured', :hold_credits::int, 'refunded', 0, 'shortfall', 0, 'overdrawn', 0,
         'created_at', :hold_created_at::text, 'ended_at', clock_timestamp()))`,
      `(SELECT jsonb_agg(jsonb_build_object('hold_id', :hold_hold_id::text, 'team_id', ${TEAM}::text,
         'grant_id', drawn.key, 'credits', drawn.value)) FROM jsonb_each(:hold_draws::jsonb) drawn)`,
      `'[]'`,
      `jsonb_build_array(jsonb_build_object('transfer_id', uuidv7(), 'sequence', :sequence::bigint, 'kind', 'capture',
         'debit_account', 'held', 'credit_account', 'consumed', 'credits', :hold_credits::int,
         'remaining_after', :remaining::bigint, 'grant_id', NULL, 'hold_id', :hold_hold_id::text, 'call_id', NULL,
         'refund_id', NULL))`,
    ],
    keep: '',
  },
  {
    begins: 'UPDATE "jobs" SET "completion"',
    values: [
      `jsonb_build_object('totalCalls', :Job_total_calls::int, 'successfulCalls', :Job_successful_calls::int,
         'failedCalls', :Job_failed_calls::int, 'totalTokens', :Job_total_tokens::bigint,
         'totalCostUsd', :Job_total_cost_usd::text, 'unpricedCalls', :Job_unpriced_calls::int, 'avgLatencyMs', 0,
         'creditApplied', true, 'creditsCharged', :hold_credits::int, 'creditsShortfall', 0,
         'creditsRemaining', :remaining::bigint, 'chargeRule', 'completed',
         'costVisibility', :Team_cost_visibility::text)`,
      'true',
      ':hold_credits',
      '0',
      `'completed'`,
      ':job_id',
      TEAM,
    ],
  },
  { begins: 'COMMIT' },
];

/** The statements of one completion, and how the database hears of them. */
export const ROUND_TRIPS = STEPS.length;

/**
 * The script with which pgbench completes a job: the very statements that the service sends, taken from the
 * database's log, with expressions in the place of their values. So the comparison cannot fall behind the
 * service: where this sends something else than it did, the run ends.
 *
 * @param complete completes another job each time, at a service that does nothing else
 * @throws Error if the statements are not those for which the values are known
 */
export async function captureScript(workbench: Workbench, complete: () => Promise<unknown>): Promise<string> {
  const url = workbench.urlOf('postgres');
  await query(url, `ALTER SYSTEM SET log_statement = 'all'`);
  await reload(url);
  try {
    let mismatch = '';
    for (let sample = 0; sample < MAX_SAMPLES; sample += 1) {
      const { size } = await stat(workbench.databaseLog);
      await complete();
      const log = await readFile(workbench.databaseLog);
      const statements = statementsOf(log.subarray(size).toString());
      if (isKnown(statements)) return toScript(statements);
      mismatch = statements.join('\n\n');
    }
    throw new Error(`A completion sends other statements than the script has values for:\n${mismatch}`);
  } finally {
    await query(url, 'ALTER SYSTEM RESET log_statement');
    await reload(url);
  }
}

async function reload(url: string): Promise<void> {
  await query(url, 'SELECT pg_reload_conf()');
  await sleep(RELOAD_MS);
}

/** An entry of the log begins with a time; what continues it begins with a tab. */
function statementsOf(log: string): string[] {
  return log.split(/\n(?!\t)/).flatMap((entry) => {
    const [, statement] = /^[^\n]*? LOG: {2}(?:statement|execute <\w+>): ([^]*)/.exec(entry) ?? [];
    return statement === undefined ? [] : [statement.replaceAll('\n\t', '\n')];
  });
}

function isKnown(statements: readonly string[]): boolean {
  return (
    statements.length === STEPS.length &&
    STEPS.every((step, index) => {
      const statement = statements[index] ?? '';
      const numbers = [...statement.matchAll(/\$(\d+)/g)].map(([, number]) => Number(number));
      return statement.startsWith(step.begins) && Math.max(0, ...numbers) === (step.values ?? []).length;
    })
  );
}

function toScript(statements: readonly string[]): string {
  return STEPS.map(({ values = [], set = {}, keep }, index) => {
    const statement = (statements[index] ?? '').replaceAll(
      /\$(\d+)/g,
      (_, number) => values[Number(number) - 1] ?? '',
    );
    const lines = Object.entries(set).map(([name, expression]) => `\\set ${name} ${expression}\n`);
    return `${lines.join('')}${statement.trimEnd()}${keep === undefined ? ';' : ` \\gset ${keep}`}\n`;
  }).join('');
}

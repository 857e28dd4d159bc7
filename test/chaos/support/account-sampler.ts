import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';

/** What a sampler has seen; the first wrong states in full. */
export interface Samples {
  readonly count: number;
  readonly faults: readonly string[];
}

const PAUSE_MS = 20;

/**
 * Wrong states of accounts, by one statement and so in one snapshot: an amount beyond its bound, accounts
 * that do not add up to zero, and accounts that are not the sums of their transfers.
 */
const FAULTS = `
  SELECT accounts.team_id, to_jsonb(accounts) AS account, booked.sums
    FROM credit_accounts accounts
    CROSS JOIN LATERAL (
      SELECT jsonb_object_agg(name, sum) AS sums
        FROM (SELECT name, COALESCE(sum(CASE WHEN credit_account = name THEN credits ELSE 0 END
                                        - CASE WHEN debit_account = name THEN credits ELSE 0 END), 0) AS sum
                FROM unnest(ARRAY['issued', 'available', 'held', 'consumed', 'expired']) name
                LEFT JOIN credit_transfers transfers ON transfers.team_id = accounts.team_id
               GROUP BY name) names) booked
   WHERE available < -overdraft_limit OR held < 0 OR consumed < 0 OR expired < 0 OR issued > 0
      OR issued + available + held + consumed + expired <> 0
      OR booked.sums <> jsonb_build_object('issued', issued, 'available', available, 'held', held,
                                           'consumed', consumed, 'expired', expired)`;

/** Runs `work` with a sampler beside it, which ends with it, also when it fails. */
export async function whileSampling(
  databaseUrl: string,
  work: (sampler: AccountSampler) => Promise<void>,
): Promise<void> {
  const sampler = new AccountSampler(databaseUrl);
  try {
    await work(sampler);
  } finally {
    await sampler.stop();
  }
}

/** Reads all accounts again and again until it is stopped. Survives a crash of the database. */
export class AccountSampler {
  private isStopped = false;
  private count = 0;
  private readonly faults: string[] = [];
  private readonly running: Promise<void>;

  constructor(private readonly databaseUrl: string) {
    this.running = this.run();
  }

  async stop(): Promise<Samples> {
    this.isStopped = true;
    await this.running;
    return { count: this.count, faults: this.faults };
  }

  private async run(): Promise<void> {
    while (!this.isStopped) {
      const client = new Client({ connectionString: this.databaseUrl });
      client.on('error', () => undefined);
      try {
        await client.connect();
        await this.sample(client);
      } catch {
        // The database is away; what it says after its return counts.
        await sleep(50);
      } finally {
        await client.end().catch(() => undefined);
      }
    }
  }

  private async sample(client: Client): Promise<void> {
    while (!this.isStopped) {
      const { rows } = await client.query<object>(FAULTS);
      this.count += 1;
      for (const row of rows) if (this.faults.length < 10) this.faults.push(JSON.stringify(row));
      await sleep(PAUSE_MS);
    }
  }
}

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { Pool } from 'pg';
import { createApp } from '../../../src/app.js';
import { parseSettings } from '../../../src/config/settings.js';
import { JobExpiryService } from '../../../src/jobs/job-expiry.service.js';
import { ledgerDifferences, uniqueName } from '../../support/service.js';
import { ADMIN_KEY, Deployment } from '../support/deployment.js';
import { CHAOS, report, sized } from '../support/options.js';
import { ChaosPostgres } from '../support/postgres.js';
import { ChaosUpstream } from '../support/upstream.js';
import { anyCommand, type Command, runCommand } from './commands.js';
import { expectSameState } from './comparison.js';
import { TeamHistory } from './team-history.js';
import { type GroupNames, ModelClient } from './model-client.js';
import {
  BUDGET_MODES,
  CREDITS_PER_DOLLAR,
  FAIR_OUTCOMES,
  FREE_ENDINGS,
  PRICES,
  TeamModel,
  type TeamTerms,
  TOKENS_PER_CREDIT,
} from './team-model.js';

/** What one client's team is, and what the client does with it. */
interface Program {
  readonly terms: TeamTerms;
  readonly commands: readonly Command[];
}

/** Clients of one case, each with a team of its own, all at once. */
const CLIENTS = sized(16, 40);
const COMMANDS_PER_CLIENT = 60;
/** Cases of one seed; a long run takes as many seeds as it needs. */
const CASES_PER_SEED = 2;
/** For finding a smaller case, after which the smallest so far is told. */
const SHRINKING_MS = 60_000;
/** Far more than the cases of a seed take on a busy machine. */
const CASES_MS = 240_000;

/** Models of each group, see `ChaosUpstream`. */
const MODELS: Readonly<Record<keyof GroupNames, readonly string[]>> = {
  success: ['model-a'],
  failure: ['status-503'],
  rescue: ['status-503', 'model-a'],
};

describe('random commands of many clients', () => {
  let postgres: ChaosPostgres;
  let upstream: ChaosUpstream;
  let deployment: Deployment;
  let database: Pool;
  let replica: NestExpressApplication;
  let expiry: JobExpiryService;
  let history: TeamHistory;
  let organizationId: string;
  let groups: GroupNames;
  let operations = 0;
  let commands = 0;
  let teams = 0;

  beforeAll(async () => {
    // Nothing crashes here, so nothing needs to reach the disk.
    postgres = await ChaosPostgres.start({ fsync: 'off' });
    upstream = await ChaosUpstream.start();
    deployment = await Deployment.start({ databaseUrl: postgres.url, upstreamUrl: upstream.baseUrl });
    database = new Pool({ connectionString: postgres.url, max: 4 });
    replica = await createApp(
      parseSettings({
        NODE_ENV: 'test',
        MASTER_KEY: ADMIN_KEY,
        DATABASE_URL: postgres.url,
        LITELLM_BASE_URL: upstream.baseUrl,
        LOG_LEVEL: 'silent',
      }),
    );
    expiry = replica.get(JobExpiryService, { strict: false });
    history = await TeamHistory.open(database);
    organizationId = uniqueName('org');
    await deployment.admin('/api/organizations/create', { organization_id: organizationId, name: 'Org' });
    groups = {
      success: await makeGroup(MODELS.success),
      failure: await makeGroup(MODELS.failure),
      rescue: await makeGroup(MODELS.rescue),
    };
  }, 120_000);
  afterAll(async () => {
    await database.end();
    await replica.close();
    await deployment.stop();
    await upstream.stop();
    await postgres.stop();
  }, 120_000);

  async function makeGroup(models: readonly string[]): Promise<string> {
    const groupName = uniqueName('group');
    await deployment.admin('/api/model-groups/create', {
      group_name: groupName,
      models: models.map((modelName, priority) => ({ model_name: modelName, priority })),
    });
    return groupName;
  }

  async function makeClient(terms: TeamTerms): Promise<ModelClient> {
    const teamId = uniqueName('team');
    const created = await deployment.admin('/api/teams/create', {
      organization_id: organizationId,
      team_id: teamId,
      model_groups: [groups.success, groups.failure, groups.rescue],
      budget_mode: terms.budgetMode,
      credits_per_dollar: CREDITS_PER_DOLLAR,
      tokens_per_credit: TOKENS_PER_CREDIT,
    });
    const path = `/api/credits/teams/${teamId}`;
    const ending = { fair_outcome: terms.fairOutcome, free_endings: FREE_ENDINGS };
    await deployment.admin(`${path}/fair-outcome`, ending, 'PATCH');
    await deployment.admin(`${path}/overdraft`, { overdraft_limit: terms.overdraftLimit }, 'PATCH');
    for (const [jobType, price] of Object.entries(PRICES)) {
      const own = { credits_per_job: price, hold_credits: price };
      await deployment.admin(`${path}/job-types/${jobType}`, own, 'PUT');
    }
    teams += 1;
    const key = created.body['virtual_key'] as string;
    return new ModelClient(new TeamModel(teamId, terms), groups, key, deployment, database, expiry, history);
  }

  /** One client's commands, one after the other. */
  async function runProgram({ terms, commands: program }: Program): Promise<void> {
    const client = await makeClient(terms);
    for (const [index, command] of program.entries()) {
      try {
        await runCommand(client, command);
      } catch (error) {
        const place = `Command ${String(index + 1)} of ${String(program.length)}`;
        throw new Error(`${place}, ${JSON.stringify(command)}, did not do what the model says.`, {
          cause: error,
        });
      }
    }
    await expectSameState(client);
    commands += program.length;
    operations += client.operations;
  }

  const anyTerms = fc.record(
    {
      budgetMode: fc.constantFrom(...BUDGET_MODES),
      fairOutcome: fc.constantFrom(...FAIR_OUTCOMES),
      overdraftLimit: fc.constantFrom(0, 0, 2),
    },
    { noNullPrototype: true },
  );
  const anyProgram: fc.Arbitrary<Program> = fc.record(
    {
      terms: anyTerms,
      commands: fc.array(anyCommand, { maxLength: COMMANDS_PER_CLIENT, size: 'max' }),
    },
    { noNullPrototype: true },
  );
  const programs = fc.array(anyProgram, { minLength: 1, maxLength: CLIENTS, size: 'max' });
  const sameAsTheModel = fc.asyncProperty(programs, async (ofClients) => {
    // All of them to their end, or a failing case would still work while a smaller one is tried.
    const results = await Promise.allSettled(ofClients.map(runProgram));
    const failed = results.find((result) => result.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  });

  async function check(seed: number): Promise<void> {
    const details = await fc.check(sameAsTheModel, {
      seed,
      numRuns: CASES_PER_SEED,
      interruptAfterTimeLimit: CASES_MS + SHRINKING_MS,
      ...(CHAOS.path !== null && { path: CHAOS.path, endOnFailure: true }),
    });
    if (!details.failed) return;
    const path = details.counterexamplePath ?? '';
    throw new Error(
      `${fc.defaultReportMessage(details) ?? ''}\n\nReplay with: npm run chaos -- --seed ${String(seed)} --path ${path}\n`,
      { cause: details.errorInstance },
    );
  }

  it('have the effects and the answers that a model in memory says', async () => {
    const startedAt = performance.now();
    let seeds = 0;
    do {
      await check(CHAOS.seed + seeds);
      seeds += 1;
    } while (CHAOS.path === null && operations < CHAOS.operations);
    const seconds = (performance.now() - startedAt) / 1000;

    expect(await ledgerDifferences(postgres.url)).toEqual([]);
    report('model', {
      operations,
      commands,
      teams,
      seeds,
      'operations per second': Math.round(operations / seconds),
    });
  }, 3_600_000);
});

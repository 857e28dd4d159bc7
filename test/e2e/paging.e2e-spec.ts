import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { query } from '../support/database.js';
import { completeJob, makeJob, makeTeam, type TestTeam } from '../support/factories.js';
import { startTestService, type TestService, uniqueName } from '../support/service.js';

const PAGE_SIZE = 7;
const ARRIVING_JOBS = 1000;
const CLIENTS = 20;

type Row = Readonly<Record<string, unknown>>;

describe('pages of a list', () => {
  let service: TestService;

  beforeAll(async () => {
    service = await startTestService();
  });
  afterAll(() => service.stop());

  interface Listing {
    readonly path: string;
    /** The field that holds the rows. */
    readonly rows?: string;
    readonly key?: string;
    readonly query?: Readonly<Record<string, string>>;
  }

  /** Follows the cursors from the newest row to the oldest one. */
  async function readAll(listing: Listing, betweenPages?: () => Promise<unknown>): Promise<Row[]> {
    const all: Row[] = [];
    let cursor: string | null = null;
    do {
      const answer = await service
        .call('get', listing.path, {
          ...(listing.key !== undefined && { key: listing.key }),
          query: { ...listing.query, limit: String(PAGE_SIZE), ...(cursor !== null && { cursor }) },
        })
        .expect(200);
      const body = answer.body as Row & { has_more: boolean; next_cursor: string | null };
      const rows = body[listing.rows ?? 'data'] as Row[];
      if (body.has_more) expect(rows).toHaveLength(PAGE_SIZE);
      else expect(body.next_cursor).toBeNull();
      all.push(...rows);
      cursor = body.next_cursor;
      await betweenPages?.();
    } while (cursor !== null);
    return all;
  }

  function idsOf(rows: readonly Row[], field: string): string[] {
    return rows.map((row) => row[field] as string);
  }

  function expectNoneTwice(ids: readonly string[]): void {
    expect(ids).toHaveLength(new Set(ids).size);
  }

  /** Asserts that every wanted id is among those seen; those that came later may be there, too. */
  function expectAll(seen: readonly string[], wanted: readonly string[]): void {
    const known = new Set(seen);
    expect(wanted.filter((id) => !known.has(id))).toEqual([]);
  }

  it('have every job that was there once and none twice, while a thousand arrive from many teams', async () => {
    const teams: TestTeam[] = [];
    for (let index = 0; index < 4; index += 1) teams.push(await makeTeam(service, { credits: 1000 }));
    const watched = teams[0]!;
    const arrived: string[] = [];
    const arrivedOfWatched: string[] = [];
    const arrive = async (team: TestTeam): Promise<void> => {
      const jobId = await makeJob(service, team);
      arrived.push(jobId);
      if (team === watched) arrivedOfWatched.push(jobId);
    };
    for (let index = 0; index < 15; index += 1) await Promise.all(teams.map(arrive));

    let left = ARRIVING_JOBS;
    const client = async (team: TestTeam): Promise<void> => {
      while (left > 0) {
        left -= 1;
        await arrive(team);
      }
    };
    const arrivals = Promise.all(
      Array.from({ length: CLIENTS }, (_, index) => client(teams[index % teams.length]!)),
    );

    let walks = 0;
    const walk = async (listing: Listing, known: readonly string[]): Promise<void> => {
      do {
        const wanted = [...known];
        const seen = idsOf(await readAll(listing), 'job_id');
        expectNoneTwice(seen);
        expectAll(seen, wanted);
        expect(seen).toEqual(seen.toSorted().reverse());
        walks += 1;
      } while (left > 0);
    };
    const ofWatched = { path: `/api/teams/${watched.teamId}/jobs`, key: watched.key };
    await Promise.all([walk({ path: '/api/jobs' }, arrived), walk(ofWatched, arrivedOfWatched), arrivals]);
    expect(walks).toBeGreaterThanOrEqual(2);

    const everything = idsOf(await readAll({ path: '/api/jobs' }), 'job_id');
    expect(everything.toSorted()).toEqual(arrived.toSorted());
    expect(everything).toHaveLength(60 + ARRIVING_JOBS);
    expect(idsOf(await readAll(ofWatched), 'job_id').toSorted()).toEqual(arrivedOfWatched.toSorted());
  });

  it('hold while jobs end, also for a list that is filtered by what they leave', async () => {
    const team = await makeTeam(service);
    const jobs: string[] = [];
    for (let index = 0; index < 20; index += 1) jobs.push(await makeJob(service, team));
    const open = [...jobs];
    const pending = { path: '/api/jobs', query: { team_id: team.teamId, status: 'pending' } };
    // The newest one ends behind every page: those that stay pending must not slip out of sight.
    const seen = await readAll(pending, () => completeJob(service, team, open.pop()!));
    expectNoneTwice(idsOf(seen, 'job_id'));
    expectAll(idsOf(seen, 'job_id'), open);
    expect(idsOf(await readAll(pending), 'job_id')).toEqual(open.reverse());
  });

  it('of teams and organizations go through many that were made in the same millisecond', async () => {
    const mark = uniqueName('Same');
    const suffixes = ['a', 'A', 'a-', 'a_', 'a.', 'a:b', 'a@b', 'Z', 'z', '0', '00', '10', '9'];
    const names = [...suffixes, ...Array.from({ length: 20 }, (_, index) => `n${String(index)}`)];
    const ids = names.map((name) => `${mark}-${name}`);
    await query(
      service.database.url,
      `INSERT INTO organizations (organization_id, name, status, metadata, created_at, updated_at)
       SELECT id, id, 'active', '{}', '2024-05-05T05:05:05.555Z', '2024-05-05T05:05:05.555Z'
         FROM unnest($1::varchar[]) AS id`,
      [ids],
    );
    const owner = ids[0]!;
    await query(
      service.database.url,
      `WITH made AS (
         INSERT INTO teams (team_id, organization_id, team_alias, status, cost_visibility, metadata,
                            created_at, updated_at)
         SELECT id, $2, NULL, 'active', 'summary', '{}',
                '2024-05-05T05:05:05.555Z', '2024-05-05T05:05:05.555Z'
           FROM unnest($1::varchar[]) AS id
         RETURNING team_id
       )
       INSERT INTO credit_accounts (team_id, issued, available, held, consumed, expired, overdraft_limit,
                                    overdrawn, shortfall, last_sequence, is_closed, updated_at)
       SELECT team_id, 0, 0, 0, 0, 0, 0, 0, 0, 0, false, now() FROM made`,
      [ids, owner],
    );
    const makeAnother = () =>
      service
        .call('post', '/api/organizations/create', {
          body: { organization_id: uniqueName('late'), name: 'Late', create_default_team: true },
        })
        .expect(200);
    for (const [listing, field] of [
      [{ path: '/api/organizations' }, 'organization_id'],
      [{ path: '/api/teams' }, 'team_id'],
      [{ path: '/api/teams', query: { organization_id: owner } }, 'team_id'],
      [{ path: `/api/organizations/${owner}/teams`, rows: 'teams' }, 'team_id'],
    ] as const) {
      const seen = idsOf(await readAll(listing, makeAnother), field);
      expectNoneTwice(seen);
      expect(seen.filter((id) => id.startsWith(mark)).toSorted()).toEqual(ids.toSorted());
    }
  });

  it('of transactions hold while charges and grants arrive', async () => {
    const team = await makeTeam(service, { credits: 100 });
    const path = `/api/credits/teams/${team.teamId}`;
    for (let index = 0; index < 29; index += 1) {
      await service.call('post', `${path}/add`, { body: { credits: 1 } }).expect(200);
    }
    const jobs = await Promise.all(Array.from({ length: 60 }, () => makeJob(service, team)));
    const listing = { path: `${path}/transactions`, rows: 'transactions', key: team.key };
    const atFirst = idsOf(await readAll(listing), 'transaction_id');
    expect(atFirst).toHaveLength(30);

    // Behind each of the five pages eight jobs end at the same time: six are charged, two are free.
    const seen = await readAll(listing, () =>
      Promise.all(
        jobs
          .splice(0, 8)
          .map((jobId, index) => completeJob(service, team, jobId, index % 4 === 0 ? 'failed' : 'completed')),
      ),
    );
    expect(idsOf(seen, 'transaction_id')).toEqual(atFirst);

    expect(jobs).toHaveLength(20);
    const [during] = await Promise.all([
      readAll(listing),
      ...jobs.map((jobId) => completeJob(service, team, jobId)),
    ]);
    expectNoneTwice(idsOf(during, 'transaction_id'));
    expectAll(idsOf(during, 'transaction_id'), atFirst);
    // Newest first: what remained before a row is what remained after the one behind it.
    const before = during.map((row) => row['credits_before']);
    const after = during.map((row) => row['credits_after']);
    expect(before).toEqual([...after.slice(1), 0]);

    // 30 grants, 5 times 6 charges, and the 20 jobs that were left.
    expect(await readAll(listing)).toHaveLength(30 + 30 + 20);
  });

  it.each(['1', '100'])('take a limit of %s', async (limit) => {
    await makeJob(service, await makeTeam(service));
    const answer = await service.call('get', '/api/jobs', { query: { limit } }).expect(200);
    expect((answer.body.data as unknown[]).length).toBeLessThanOrEqual(Number(limit));
  });

  describe('refuse', () => {
    let team: TestTeam;

    const listings = () => [
      '/api/jobs',
      `/api/teams/${team.teamId}/jobs`,
      `/api/credits/teams/${team.teamId}/transactions`,
      '/api/organizations',
      '/api/teams',
      `/api/organizations/${team.organizationId}/teams`,
      '/api/model-groups',
    ];

    beforeAll(async () => {
      team = await makeTeam(service);
      await makeTeam(service);
      await makeJob(service, team);
      await makeJob(service, team);
      const credits = `/api/credits/teams/${team.teamId}/add`;
      await service.call('post', credits, { body: { credits: 1 } }).expect(200);
      const another = { organization_id: team.organizationId, team_id: uniqueName('team'), model_groups: [] };
      await service.call('post', '/api/teams/create', { body: another }).expect(200);
    });

    async function expectRefused(path: string, parameters: Record<string, string>): Promise<void> {
      const answer = await service.call('get', path, { query: parameters });
      const field = Object.keys(parameters)[0];
      expect([path, answer.status, answer.body.errors?.[0].field]).toEqual([path, 422, field]);
    }

    it.each(['0', '101', '-1', '1.5', 'all', '', '1e1'])('a limit of %j', async (limit) => {
      for (const path of listings()) await expectRefused(path, { limit });
    });

    it.each([
      'garbage',
      '',
      'AAAA',
      '!!!!',
      '../../x',
      '01890a5d-ac96-774b-bcce-b302099a8057',
      Buffer.from('9999999999999999 x').toString('base64url'),
      Buffer.from("1 x' OR 1=1").toString('base64url'),
      Buffer.from('-1 x').toString('base64url'),
      Buffer.from('01 x').toString('base64url'),
      Buffer.from('1 x1').toString('base64'),
      'A'.repeat(300),
    ])('the cursor %j', async (cursor) => {
      for (const path of listings()) await expectRefused(path, { cursor });
    });

    async function cursorOf(path: string): Promise<string> {
      const answer = await service.call('get', path, { query: { limit: '1' } }).expect(200);
      expect([path, typeof answer.body.next_cursor]).toEqual([path, 'string']);
      return answer.body.next_cursor as string;
    }

    it('a cursor of a list in another order', async () => {
      const [jobs, ofTeam, transactions, organizations, teams, ofOrganization] = listings();
      for (const path of [organizations!, teams!, ofOrganization!]) {
        for (const other of [jobs!, ofTeam!, transactions!]) {
          await expectRefused(path, { cursor: await cursorOf(other) });
          await expectRefused(other, { cursor: await cursorOf(path) });
        }
      }
    });

    it('a cursor of no transaction of the team, which would otherwise look like the end of the list', async () => {
      const [jobs, , transactions] = listings();
      await expectRefused(transactions!, { cursor: await cursorOf(jobs!) });
    });
  });
});

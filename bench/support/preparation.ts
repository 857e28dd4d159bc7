import { MASTER_KEY, query } from './workbench.ts';
import { inParallel, type ServiceClient } from './service-client.ts';

/** An open job whose hold is running. */
export interface OpenJob {
  readonly jobId: string;
  readonly key: string;
}

/**
 * Makes teams and open jobs through the API, so that every row is one that the service has written. The jobs
 * go round the teams: neighbours in the list belong to different teams, where there are several.
 */
export async function prepareJobs(
  client: ServiceClient,
  connections: number,
  size: { teams: number; jobs: number },
): Promise<OpenJob[]> {
  await client.post('/api/organizations/create', MASTER_KEY, { organization_id: 'bench', name: 'Bench' });
  await client.post('/api/model-groups/create', MASTER_KEY, {
    group_name: 'BenchChat',
    models: [{ model_name: 'bench-model', priority: 0 }],
  });
  const keys: string[] = [];
  for (let team = 0; team < size.teams; team += 1) {
    const created = await client.post('/api/teams/create', MASTER_KEY, {
      organization_id: 'bench',
      team_id: `bench-${String(team)}`,
      model_groups: ['BenchChat'],
      credits_allocated: 2 * size.jobs,
    });
    keys.push(created['virtual_key'] as string);
  }
  const jobs: OpenJob[] = [];
  let begun = 0;
  await inParallel(connections, async () => {
    if (begun >= size.jobs) return false;
    const key = keys[begun % keys.length] ?? '';
    begun += 1;
    const created = await client.post('/api/jobs/create', key, { job_type: 'bench' });
    jobs.push({ jobId: created['job_id'] as string, key });
    return true;
  });
  return jobs;
}

/** Where the pgbench script finds the job with a number, and its key. */
export async function writeJobTable(databaseUrl: string, jobs: readonly OpenJob[]): Promise<void> {
  await query(
    databaseUrl,
    `CREATE TABLE bench_jobs (number integer PRIMARY KEY, job_id uuid NOT NULL, key_hash bytea NOT NULL)`,
  );
  await query(
    databaseUrl,
    `INSERT INTO bench_jobs
     SELECT number - 1, job_id, sha256(virtual_key::bytea)
       FROM unnest($1::uuid[], $2::text[]) WITH ORDINALITY AS jobs (job_id, virtual_key, number)`,
    [jobs.map((job) => job.jobId), jobs.map((job) => job.key)],
  );
  await query(databaseUrl, 'VACUUM ANALYZE bench_jobs');
}

/** How many jobs have been completed and charged. */
export async function countCompleted(databaseUrl: string): Promise<number> {
  const rows = await query<{ jobs: number }>(
    databaseUrl,
    `SELECT count(*)::int AS jobs FROM jobs JOIN credit_holds USING (job_id, team_id)
      WHERE jobs.status = 'completed' AND credits_charged = 1 AND completion IS NOT NULL
        AND credit_holds.status = 'captured'`,
  );
  return rows[0]?.jobs ?? 0;
}

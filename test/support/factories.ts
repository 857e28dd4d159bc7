import { expect } from '@jest/globals';
import { type TestService, uniqueName } from './service.js';

export interface TestTeam {
  readonly organizationId: string;
  readonly teamId: string;
  readonly key: string;
  /** The first is the team's default. */
  readonly groups: readonly string[];
}

export interface TeamOptions {
  readonly credits?: number;
  readonly costVisibility?: 'summary' | 'none';
  /** Models of each group, by priority; one group of one working model when left out. */
  readonly groups?: readonly (readonly string[])[];
}

/** A model that the sandbox answers for. */
export const WORKING_MODEL = 'gpt-4o-mini';

export async function makeGroup(service: TestService, models: readonly string[]): Promise<string> {
  const groupName = uniqueName('group');
  const body = {
    group_name: groupName,
    models: models.map((modelName, priority) => ({ model_name: modelName, priority })),
  };
  await service.call('post', '/api/model-groups/create', { body }).expect(200);
  return groupName;
}

/** An organization with a team in it. */
export async function makeTeam(service: TestService, options: TeamOptions = {}): Promise<TestTeam> {
  const organizationId = uniqueName('org');
  const teamId = uniqueName('team');
  const groups: string[] = [];
  for (const models of options.groups ?? [[WORKING_MODEL]]) groups.push(await makeGroup(service, models));
  await service
    .call('post', '/api/organizations/create', { body: { organization_id: organizationId, name: 'Org' } })
    .expect(200);
  const created = await service
    .call('post', '/api/teams/create', {
      body: {
        organization_id: organizationId,
        team_id: teamId,
        model_groups: groups,
        credits_allocated: options.credits ?? 100,
        cost_visibility: options.costVisibility,
      },
    })
    .expect(200);
  return { organizationId, teamId, key: created.body.virtual_key as string, groups };
}

export async function makeJob(service: TestService, team: TestTeam, jobType = 'demo'): Promise<string> {
  const created = await service
    .call('post', '/api/jobs/create', { key: team.key, body: { job_type: jobType } })
    .expect(200);
  return created.body.job_id as string;
}

export const MESSAGES = [{ role: 'user', content: 'How do I reset my password?' }] as const;

export async function makeCall(service: TestService, team: TestTeam, jobId: string): Promise<void> {
  await service
    .call('post', `/api/jobs/${jobId}/llm-call`, { key: team.key, body: { messages: MESSAGES } })
    .expect(200);
}

export async function completeJob(
  service: TestService,
  team: TestTeam,
  jobId: string,
  status = 'completed',
): Promise<void> {
  await service.call('post', `/api/jobs/${jobId}/complete`, { key: team.key, body: { status } }).expect(200);
}

/** Asserts the team's balance: allocated, used, held, expired and short; the rest follows. */
export async function expectBalance(
  service: TestService,
  team: TestTeam,
  expected: { allocated: number; used: number; held: number; expired?: number; shortfall?: number },
): Promise<void> {
  const answer = await service
    .call('get', `/api/credits/teams/${team.teamId}/balance`, { key: team.key })
    .expect(200);
  const { allocated, used, held, expired = 0, shortfall = 0 } = expected;
  const credits = Object.entries(answer.body as Record<string, unknown>).filter(
    ([name]) => name.startsWith('credits_') && name !== 'credits_per_dollar',
  );
  expect(Object.fromEntries(credits)).toEqual({
    credits_allocated: allocated,
    credits_used: used,
    credits_remaining: allocated - used - expired,
    credits_held: held,
    credits_available: allocated - used - expired - held,
    credits_expired: expired,
    credits_shortfall: shortfall,
  });
  expect(answer.body.team_id).toBe(team.teamId);
}

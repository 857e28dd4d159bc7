import { RequestMethod } from '@nestjs/common';
import { METHOD_METADATA, PATH_METADATA } from '@nestjs/common/internal';
import { DiscoveryService } from '@nestjs/core';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { v7 } from 'uuid';
import { makeJob, makeTeam, MESSAGES, type TestTeam } from '../support/factories.js';
import { type Method, startTestService, type TestService } from '../support/service.js';

/** Who may call a route; see src/common/access.ts. */
type Access = 'public' | 'admin' | 'team' | 'own-team';

/**
 * The authorization matrix, by operation. A route that is not in it fails the first test below: who adds
 * one says here who may call it, a second time and on purpose.
 */
const MATRIX: Readonly<Record<string, Access>> = {
  health_live: 'public',
  health_ready: 'public',
  organizations_create: 'admin',
  error_pages_list: 'public',
  error_pages_get: 'public',
  organizations_list: 'admin',
  organizations_get: 'admin',
  organizations_update: 'admin',
  organizations_suspend: 'admin',
  organizations_resume: 'admin',
  organizations_teams: 'admin',
  model_groups_create: 'admin',
  model_groups_list: 'team',
  model_groups_get: 'admin',
  model_groups_update: 'admin',
  model_groups_set_models: 'admin',
  model_groups_resolve: 'team',
  model_groups_delete: 'admin',
  teams_create: 'admin',
  teams_list: 'admin',
  teams_get: 'own-team',
  teams_update: 'admin',
  teams_set_model_groups: 'admin',
  teams_suspend: 'admin',
  teams_resume: 'admin',
  teams_delete: 'admin',
  credits_balance: 'own-team',
  credits_transactions: 'own-team',
  credits_grants: 'own-team',
  credits_statement: 'own-team',
  credits_check: 'own-team',
  credits_replenish: 'admin',
  credits_refund: 'admin',
  credits_set_overdraft: 'admin',
  // The guard lets the own team through; whether it may is a setting, off by default.
  credits_add: 'own-team',
  refills_configure: 'admin',
  refills_get: 'own-team',
  budgets_update_mode: 'admin',
  budgets_get_rates: 'admin',
  budgets_update_rates: 'admin',
  budgets_get_fair_outcome: 'admin',
  budgets_update_fair_outcome: 'admin',
  job_types_list: 'admin',
  job_types_replace: 'admin',
  job_types_delete: 'admin',
  jobs_create: 'team',
  jobs_get: 'team',
  jobs_call: 'team',
  jobs_call_stream: 'team',
  jobs_create_and_call: 'team',
  jobs_create_and_call_stream: 'team',
  jobs_complete: 'team',
  jobs_cancel: 'team',
  jobs_update_metadata: 'team',
  jobs_costs: 'admin',
  jobs_call_messages: 'admin',
  jobs_list: 'own-team',
  jobs_list_all: 'admin',
  openai_chat_completions: 'team',
  openai_responses: 'team',
  openai_embeddings: 'team',
  openai_models: 'team',
  openai_model: 'team',
  openai_job_chat_completions: 'team',
  openai_job_responses: 'team',
  openai_job_embeddings: 'team',
  openai_job_models: 'team',
  openai_job_model: 'team',
  usage_team: 'own-team',
  usage_organization: 'admin',
  usage_dashboard: 'admin',
  verification_get: 'admin',
  metrics_get: 'admin',
};

/** Bodies that get past the validation, for what is decided after it. */
const BODIES: Readonly<Record<string, object>> = {
  jobs_create: { job_type: 'demo' },
  jobs_call: { messages: MESSAGES },
  jobs_call_stream: { messages: MESSAGES },
  jobs_create_and_call: { job_type: 'demo', messages: MESSAGES },
  jobs_create_and_call_stream: { job_type: 'demo', messages: MESSAGES },
  jobs_complete: { status: 'completed' },
  jobs_update_metadata: { metadata: { a: 1 } },
  openai_job_chat_completions: { model: 'any', messages: MESSAGES },
  openai_job_responses: { model: 'any', input: 'Hello' },
  openai_job_embeddings: { model: 'any', input: 'Hello' },
  credits_add: { credits: 1 },
};

/** Served beside the operations: the document itself, and the page that shows it. */
const DOCUMENTATION = /^\/(docs(\/(?!errors).*)?|docs-(json|yaml)|openapi\.json)$/;

/** Under this path Nest hangs middleware (the request log) into express, which answers nothing. */
const MIDDLEWARE = '{/*splat}';

function withAccess(...kinds: Access[]): string[] {
  return Object.keys(MATRIX).filter((operation) => kinds.includes(MATRIX[operation]!));
}

interface Operation {
  readonly method: Method;
  /** As OpenAPI writes it: `/api/jobs/{job_id}`. */
  readonly path: string;
}

interface OpenApiDocument {
  readonly paths: Readonly<Record<string, Readonly<Record<string, { readonly operationId: string }>>>>;
}

let service: TestService;
let operations: ReadonlyMap<string, Operation>;
let team: TestTeam;
let otherTeam: TestTeam;
let otherJob: string;

beforeAll(async () => {
  service = await startTestService();
  const document = (await service.call('get', '/openapi.json', { key: null }).expect(200))
    .body as OpenApiDocument;
  operations = new Map(
    Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, { operationId }]) => [
        operationId,
        { method: method as Method, path },
      ]),
    ),
  );
  team = await makeTeam(service);
  otherTeam = await makeTeam(service);
  otherJob = await makeJob(service, otherTeam);
});

afterAll(async () => {
  await service.stop();
});

/** The id is the same for every request, so that answers can be compared byte by byte. */
function ask(
  operation: string,
  options: { key?: string | null; teamId?: string; jobId?: string; body?: object },
) {
  const { method, path } = operations.get(operation)!;
  const names: Readonly<Record<string, string>> = {
    team_id: options.teamId ?? team.teamId,
    job_id: options.jobId ?? v7(),
    organization_id: team.organizationId,
    group_name: team.groups[0]!,
    call_id: v7(),
    job_type: 'demo',
    code: 'job_not_open',
    model: team.groups[0]!,
  };
  const concrete = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => names[name]!);
  return service
    .call(method, concrete, { ...(options.key !== undefined && { key: options.key }), body: options.body })
    .set('x-request-id', 'guard');
}

/** All that may differ between two answers, less the time they were given. */
function comparable(response: { status: number; headers: Record<string, string>; text: string }): object {
  const { date: _date, ...headers } = response.headers;
  return { status: response.status, headers, text: response.text };
}

/** Method and path of every route that express would answer, as OpenAPI writes them. */
function servedByExpress(): string[] {
  interface Layer {
    readonly route?: { readonly path: string; readonly methods: Readonly<Record<string, boolean>> };
  }
  const express = service.app.getHttpAdapter().getInstance() as { router: { stack: readonly Layer[] } };
  return express.router.stack
    .flatMap(({ route }) =>
      route === undefined ? [] : Object.keys(route.methods).map((method) => ({ method, path: route.path })),
    )
    .filter(({ path }) => path !== MIDDLEWARE && !DOCUMENTATION.test(path))
    .map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, '{$1}')}`)
    .sort();
}

/** The same by the metadata of the controllers, which is what the access guard goes by. */
function declaredByControllers(): string[] {
  const discovery = service.app.get(DiscoveryService, { strict: false });
  return discovery
    .getControllers()
    .flatMap(({ metatype }) => {
      const prefix = Reflect.getMetadata(PATH_METADATA, metatype as object) as string;
      const { prototype } = metatype as unknown as { prototype: Record<string, object> };
      return Object.getOwnPropertyNames(prototype).flatMap((name) => {
        const method = Reflect.getMetadata(METHOD_METADATA, prototype[name]!) as RequestMethod | undefined;
        const path = Reflect.getMetadata(PATH_METADATA, prototype[name]!) as string | undefined;
        if (method === undefined || path === undefined) return [];
        const whole = `/${prefix}/${path}`.replaceAll(/\/+/g, '/').replace(/(.)\/$/, '$1');
        return [`${RequestMethod[method].toLowerCase()} ${whole.replaceAll(/:(\w+)/g, '{$1}')}`];
      });
    })
    .sort();
}

describe('the routes', () => {
  it('are all in the matrix, and nothing else is', () => {
    expect([...operations.keys()].sort()).toEqual(Object.keys(MATRIX).sort());
  });

  it('that are served are those of the document', () => {
    const documented = [...operations.values()].map(({ method, path }) => `${method} ${path}`).sort();

    expect(servedByExpress()).toEqual(documented);
    expect(declaredByControllers()).toEqual(documented);
  });

  it.each(['/', '/api', '/api/stats', '/api/keys'])(
    '%s is none of them and answers 404, with and without a key',
    async (path) => {
      for (const key of [null, team.key, undefined]) {
        const answer = await service.call('get', path, key === undefined ? {} : { key }).expect(404);
        expect(answer.body).toMatchObject({ code: 'route_not_found' });
      }
    },
  );
});

describe('a route of OpenAI that is not metered', () => {
  it.each(['/v1', '/v1/files', '/v1/completions', '/v1/audio/speech', '/v1/chat/completions/x'])(
    '%s does not exist, with and without a key, and says so as OpenAI would',
    async (path) => {
      for (const key of [null, team.key, undefined]) {
        for (const method of ['get', 'post'] as const) {
          const answer = await service.call(method, path, key === undefined ? {} : { key }).expect(404);
          expect(answer.body).toMatchObject({ error: { type: 'not_found_error', code: 'route_not_found' } });
        }
      }
    },
  );
});

describe('a public route', () => {
  it.each(withAccess('public'))('(%s) answers without a key, and with a bad one', async (operation) => {
    await ask(operation, { key: null }).expect(200);
    await ask(operation, { key: 'sk-nonsense' }).expect(200);
  });
});

describe('a route that is not public', () => {
  it.each(withAccess('admin', 'team', 'own-team'))(
    '(%s) answers every key that is not one with the same 401',
    async (operation) => {
      const none = await ask(operation, { key: null }).expect(401);
      const malformed = await ask(operation, { key: 'nonsense' }).expect(401);
      // Well formed, with a right checksum, and issued by nobody.
      const unknown = await ask(operation, { key: `sk-${'0'.repeat(43)}2CZclj` }).expect(401);

      expect(none.headers['www-authenticate']).toBe('Bearer');
      expect(comparable(malformed)).toEqual(comparable(none));
      expect(comparable(unknown)).toEqual(comparable(none));
    },
  );
});

describe('an admin route', () => {
  it.each(withAccess('admin'))('(%s) answers 403 to a team key, whatever the body is', async (operation) => {
    for (const body of [undefined, {}]) {
      const answer = await ask(operation, { key: team.key, ...(body && { body }) }).expect(403);
      expect(answer.body).toMatchObject({ code: 'admin_key_required' });
    }
  });

  it.each(withAccess('admin'))('(%s) lets the admin key in', async (operation) => {
    // The team of the other tests is not to be deleted.
    const { status } = await ask(operation, operation === 'teams_delete' ? { teamId: 'none' } : {});
    expect([401, 403]).not.toContain(status);
  });
});

describe("a route of a team's own", () => {
  it.each(withAccess('own-team'))(
    '(%s) answers 403 on the path of another team, whether it exists or not',
    async (operation) => {
      const body = BODIES[operation];
      const options = { key: team.key, ...(body && { body }) };
      const existing = await ask(operation, { ...options, teamId: otherTeam.teamId }).expect(403);
      const missing = await ask(operation, { ...options, teamId: 'no-such-team' }).expect(403);
      const impossible = await ask(operation, { ...options, teamId: '-' }).expect(403);

      expect(existing.body).toMatchObject({ code: 'other_team', request_id: 'guard' });
      expect(comparable(missing)).toEqual(comparable(existing));
      expect(comparable(impossible)).toEqual(comparable(existing));
    },
  );

  it.each(withAccess('own-team'))(
    '(%s) is not refused as that of another team on its own path',
    async (operation) => {
      const body = BODIES[operation];
      const answer = await ask(operation, { key: team.key, ...(body && { body }) });

      expect(answer.status).toBe(operation === 'credits_add' ? 403 : 200);
      expect(answer.body.code).toBe(operation === 'credits_add' ? 'admin_key_required' : undefined);
    },
  );
});

const JOB_ROUTE = /^(jobs_(?!create)|openai_job_)/;

describe('a route of a job', () => {
  const jobRoutes = withAccess('team').filter((operation) => JOB_ROUTE.test(operation));

  it('takes a job of the path wherever the path has one', () => {
    const withJob = [...operations].filter(([, { path }]) => path.includes('{job_id}')).map(([name]) => name);

    expect(withJob.filter((operation) => MATRIX[operation] !== 'admin').sort()).toEqual(
      [...jobRoutes].sort(),
    );
  });

  it.each(jobRoutes)(
    "(%s) answers another team's job as one that does not exist, byte by byte",
    async (operation) => {
      const body = BODIES[operation];
      const options = { key: team.key, ...(body && { body }) };
      const others = await ask(operation, { ...options, jobId: otherJob }).expect(404);
      const missing = await ask(operation, { ...options, jobId: v7() }).expect(404);
      const impossible = await ask(operation, { ...options, jobId: 'no-such-job' }).expect(404);

      const told = operation.startsWith('openai_')
        ? { error: { code: 'job_not_found' } }
        : { code: 'job_not_found', request_id: 'guard' };
      expect(others.body).toMatchObject(told);
      expect(comparable(missing)).toEqual(comparable(others));
      expect(comparable(impossible)).toEqual(comparable(others));
    },
  );

  it.each(jobRoutes)('(%s) leaves the job of the other team as it was', async (operation) => {
    const before = (await ask('jobs_get', { key: otherTeam.key, jobId: otherJob }).expect(200)).text;
    const body = BODIES[operation];
    await ask(operation, { key: team.key, jobId: otherJob, ...(body && { body }) }).expect(404);

    expect((await ask('jobs_get', { key: otherTeam.key, jobId: otherJob }).expect(200)).text).toBe(before);
  });
});

describe('a team named in a body', () => {
  it('that is another one is refused the same whether it exists or not', async () => {
    const body = { job_type: 'demo' };
    const existing = await ask('jobs_create', {
      key: team.key,
      body: { ...body, team_id: otherTeam.teamId },
    });
    const missing = await ask('jobs_create', { key: team.key, body: { ...body, team_id: 'no-such-team' } });

    expect([existing.status, existing.body.code]).toEqual([403, 'other_team']);
    expect(comparable(missing)).toEqual(comparable(existing));
  });
});

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Response, Test } from 'supertest';
import { Transactions } from '../../src/database/transactions.js';
import { LlmCallsService } from '../../src/llm-calls/llm-calls.service.js';
import { contract, type ContractOperation } from '../support/contract.js';
import { MESSAGES } from '../support/factories.js';
import { type Method, startTestService, type TestService } from '../support/service.js';

/** Every operation of the contract, in an order in which its example can be carried out. */
const ORDER = [
  'health_live',
  'health_ready',
  'error_pages_list',
  'error_pages_get',
  'model_groups_create',
  'organizations_create',
  'teams_create',
  'organizations_list',
  'organizations_get',
  'organizations_update',
  'organizations_suspend',
  'organizations_resume',
  'organizations_teams',
  'model_groups_list',
  'model_groups_get',
  'model_groups_update',
  'model_groups_set_models',
  'teams_list',
  'teams_get',
  'teams_update',
  'teams_set_model_groups',
  'teams_suspend',
  'teams_resume',
  'model_groups_resolve',
  'credits_add',
  'credits_check',
  'credits_balance',
  'credits_replenish',
  'credits_set_overdraft',
  'credits_grants',
  'refills_configure',
  'refills_get',
  'budgets_update_mode',
  'budgets_update_rates',
  'budgets_get_rates',
  'budgets_update_fair_outcome',
  'budgets_get_fair_outcome',
  'job_types_replace',
  'job_types_list',
  'jobs_create',
  'jobs_call',
  'jobs_call_stream',
  'jobs_create_and_call',
  'jobs_create_and_call_stream',
  'jobs_call_messages',
  'openai_models',
  'openai_model',
  'openai_chat_completions',
  'openai_responses',
  'openai_embeddings',
  'openai_job_models',
  'openai_job_model',
  'openai_job_chat_completions',
  'openai_job_responses',
  'openai_job_embeddings',
  'jobs_update_metadata',
  'jobs_complete',
  'credits_refund',
  'jobs_get',
  'jobs_costs',
  'jobs_list',
  'jobs_list_all',
  'jobs_cancel',
  'credits_transactions',
  'credits_statement',
  'usage_team',
  'usage_organization',
  'usage_dashboard',
  'job_types_delete',
  'verification_get',
  'metrics_get',
  'teams_delete',
  'model_groups_delete',
];

/** Parameters that make sense together with others only. */
const TOGETHER: Readonly<Record<string, readonly string[]>> = {
  'usage_team start_date': ['start_date', 'end_date'],
  'usage_team end_date': ['start_date', 'end_date'],
  'usage_organization start_date': ['start_date', 'end_date'],
  'usage_organization end_date': ['start_date', 'end_date'],
  'jobs_get limit': ['expand', 'limit'],
};

/** What an operation needs that is not its own example. */
const PREPARATIONS: Readonly<Record<string, (service: TestService) => Promise<unknown>>> = {
  // The examples name a second group, and a model that the sandbox must know by this name.
  teams_create: (service) =>
    service
      .call('post', '/api/model-groups/create', {
        body: { group_name: 'ChatAdvanced', models: [{ model_name: 'gpt-4o' }] },
      })
      .expect(200),
  jobs_call: (service) =>
    service
      .call('put', '/api/model-groups/ChatFast/models', { body: [{ model_name: 'gpt-4o-mini' }] })
      .expect(200),
  // The call of the example has an id that no call was given.
  jobs_call_messages: async (service) => {
    const call = { teamId: 'engineering-team', jobId, callId: EXAMPLE_CALL };
    const messages = { request: { messages: MESSAGES }, answer: null };
    await service.app
      .get(Transactions, { strict: false })
      .run((manager) =>
        service.app.get(LlmCallsService, { strict: false }).storeMessages(manager, call, messages),
      );
  },
  // The one of the example has been completed.
  jobs_cancel: async (service) => {
    const body = { team_id: 'engineering-team', job_type: 'document_analysis' };
    const created = await service.call('post', '/api/jobs/create', { body }).expect(200);
    jobId = created.body.job_id as string;
  },
  // The default team of the organization has the group as well.
  model_groups_delete: (service) => service.call('delete', '/api/teams/acme-corp_default').expect(200),
};

const EXAMPLE_CALL = '019ab1c2-7d2e-7c3a-9f00-2b1f6f0c9d12';

let jobId = '';

describe('the examples of the contract', () => {
  let service: TestService;

  beforeAll(async () => {
    service = await startTestService({ environment: { STORE_MESSAGES: 'true' } });
  });
  afterAll(() => service.stop());

  /** The path with the examples of its parameters; a job has the id that it was given. */
  function pathOf(operation: ContractOperation): string {
    return operation.path.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
      name === 'job_id'
        ? jobId
        : String(operation.parameters.find((one) => one.name === name)!.schema.example),
    );
  }

  /** The queries that the examples make: none, and each parameter with those it goes with. */
  function queriesOf(operation: ContractOperation): Record<string, string>[] {
    const examples = new Map(
      operation.parameters
        .filter((parameter) => parameter.in === 'query')
        .map((parameter) => [parameter.name, parameter.example ?? parameter.schema.example]),
    );
    const given = [...examples].filter(([, example]) => example !== undefined).map(([name]) => name);
    // The admin has to name a team there.
    const always = operation.operationId === 'model_groups_resolve' ? ['team_id'] : [];
    const sets = [always, ...given.map((name) => TOGETHER[`${operation.operationId} ${name}`] ?? [name])];
    return sets.map((names) => Object.fromEntries(names.map((name) => [name, String(examples.get(name))])));
  }

  /** The headers that have an example, but for the key, which is new for each request. */
  function headersOf(operation: ContractOperation): Record<string, string> {
    const headers = operation.parameters.filter(
      ({ in: place, name, schema }) =>
        place === 'header' && name !== 'Idempotency-Key' && schema.example !== undefined,
    );
    return Object.fromEntries(headers.map(({ name, schema }) => [name, String(schema.example)]));
  }

  /** The example of its body; a job in it has the id that it was given. */
  function bodyOf({ example }: ContractOperation): unknown {
    const isAboutJob = typeof example === 'object' && example !== null && 'job_id' in example;
    return isAboutJob ? { ...example, job_id: jobId } : (example ?? undefined);
  }

  it('are of every operation', () => {
    expect([...ORDER].sort()).toEqual(contract.operations.map(({ operationId }) => operationId).sort());
  });

  it.each(ORDER)('work: %s', async (operationId) => {
    const operation = contract.operations.find((one) => one.operationId === operationId)!;
    await PREPARATIONS[operationId]?.(service);
    for (const query of queriesOf(operation)) {
      const send = () =>
        service
          .call(operation.method as Method, pathOf(operation), {
            body: bodyOf(operation),
            query,
          })
          .set(headersOf(operation))
          .set('Idempotency-Key', `${operationId} ${JSON.stringify(query)}`)
          .expect(200);
      const answer = await send();
      if (operation.method === 'post') await sendAgain(answer, send);
      if (operationId === 'jobs_create') jobId = answer.body.job_id as string;
    }
  });

  /** Every POST takes a key, whatever it does. */
  async function sendAgain(first: Response, send: () => Test): Promise<void> {
    const again = await send();
    expect(again.text).toBe(first.text);
    expect(again.headers['idempotent-replayed']).toBe('true');
  }
});

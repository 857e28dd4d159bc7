import { it } from '@jest/globals';
import { startTestService } from '../support/service.js';
import { makeTeam, makeJob } from '../support/factories.js';
it('probe', async () => {
  const s = await startTestService();
  const t = await makeTeam(s);
  const show = (l: string, r: any) => console.log(l, r.status, r.text.slice(0, 300));
  show('models [[]]', await s.call('post', '/api/model-groups/create', { body: { group_name: 'g1', display_name: 'x', models: [[]] } }));
  show('models [[{}]]', await s.call('post', '/api/model-groups/create', { body: { group_name: 'g2', display_name: 'x', models: [[{ model_name: 'a' }]] } }));
  show('models ok+[]', await s.call('post', '/api/model-groups/create', { body: { group_name: 'g3', display_name: 'x', models: [{ model_name: 'a' }, []] } }));
  show('FE0F org', await s.call('post', '/api/organizations/create', { body: { organization_id: 'o1', name: '❤️'.repeat(200) } }));
  show('FE0F job', await s.call('post', '/api/jobs/create', { key: t.key, body: { job_type: '❤️'.repeat(100) } }));
  show('limit ten', await s.call('get', `/api/teams/${t.teamId}/jobs?limit=ten`, { key: t.key }));
  show('prio "1"', await s.call('post', '/api/model-groups/create', { body: { group_name: 'g4', display_name: 'x', models: [{ model_name: 'a', priority: '1' }] } }));
  show('seed huge', await s.call('post', `/api/jobs/${await makeJob(s, t)}/llm-call`, { key: t.key, body: { messages: [{ role: 'user', content: 'x', name: null }], seed: 1e300 } }));
  await s.stop();
});

import { describe, expect, it } from '@jest/globals';
import type { Principal } from '../common/access.js';
import { DomainError } from '../common/domain-error.js';
import { readAddress, toTarget } from './call-address.js';

const TEAM: Principal = { role: 'team', teamId: 'team', keyId: 'key' };
const ADMIN: Principal = { role: 'admin' };
const DEFAULTS = { jobType: 'chat_completion', userId: null };

function address(headers: Record<string, string>, params: Record<string, string> = {}) {
  return readAddress({ headers, params });
}

describe('where a call goes', () => {
  it('is a job of its own where nothing is said', () => {
    expect(toTarget(TEAM, address({}), DEFAULTS)).toEqual({
      kind: 'new',
      job: { teamId: null, jobType: 'chat_completion', userId: null, metadata: {} },
    });
  });

  it('is a job of the type, the user and the team that the headers say', () => {
    const headers = { 'x-job-type': 'contract review', 'x-user-id': 'ann', 'x-team-id': 'legal' };
    expect(toTarget(ADMIN, address(headers), { jobType: 'embedding', userId: 'bob' })).toEqual({
      kind: 'new',
      job: { teamId: 'legal', jobType: 'contract review', userId: 'ann', metadata: {} },
    });
  });

  it('is a job of the user of the body if no header has one', () => {
    expect(toTarget(TEAM, address({}), { ...DEFAULTS, userId: 'bob' })).toMatchObject({
      job: { userId: 'bob' },
    });
  });

  it('is the job of the header', () => {
    const headers = { 'x-job-id': 'a', 'x-job-type': 'ignored' };
    expect(toTarget(ADMIN, address(headers), DEFAULTS)).toEqual({ kind: 'job', jobId: 'a' });
  });

  it('is the job of the path, whatever the headers say', () => {
    expect(toTarget(TEAM, address({ 'x-job-id': 'a', 'x-team-id': '/' }, { job_id: 'b' }), DEFAULTS)).toEqual(
      {
        kind: 'job',
        jobId: 'b',
      },
    );
  });

  it('is a job even if its name is empty, so that a slip does not make a job of its own', () => {
    expect(toTarget(TEAM, address({ 'x-job-id': '' }), DEFAULTS)).toEqual({ kind: 'job', jobId: '' });
  });
});

describe('an address that is refused', () => {
  it.each([
    ['X-Team-Id', { 'x-team-id': 'a/b' }],
    ['X-Team-Id', { 'x-team-id': '' }],
    ['X-Job-Type', { 'x-job-type': '' }],
    ['X-Job-Type', { 'x-job-type': 'x'.repeat(129) }],
    ['X-Job-Type', { 'x-job-type': 'caf\u00e9' }],
    ['X-User-Id', { 'x-user-id': 'x'.repeat(257) }],
  ])('has a bad %s: %j', (field, headers) => {
    expect(() => address(headers as Record<string, string>)).toThrow(field);
  });

  it('names neither team nor job, with the admin key', () => {
    expect(() => toTarget(ADMIN, address({}), DEFAULTS)).toThrow(DomainError);
    expect(() => toTarget(ADMIN, address({}), DEFAULTS)).toThrow('X-Team-Id');
  });
});

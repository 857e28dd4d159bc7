import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { announce } from './announcement.js';
import { parseSettings, type Settings } from './config/settings.js';

const URL_OF_API = 'http://127.0.0.1:8003';
const PLACE = { url: URL_OF_API, database: 'embedded Postgres in .data' };
const SECRETS = {
  MASTER_KEY: 'sk-master-of-our-own-0123456789abcdef',
  ENCRYPTION_KEY: 'encryption-of-our-own-0123456789abcdef',
  DATABASE_URL: 'postgres://app:database-password@db.internal/app',
  LITELLM_BASE_URL: 'http://user:upstream-password@litellm.internal',
  LITELLM_API_KEY: 'sk-litellm-service-key',
};

/** Every setting that the announcement could depend on, there or not. */
const settings: fc.Arbitrary<Settings> = fc
  .record(
    {
      MASTER_KEY: fc.constantFrom(SECRETS.MASTER_KEY, 'sk-admin-key-change-me'),
      ENCRYPTION_KEY: fc.constant(SECRETS.ENCRYPTION_KEY),
      DATABASE_URL: fc.constant(SECRETS.DATABASE_URL),
      LITELLM_BASE_URL: fc.constant(SECRETS.LITELLM_BASE_URL),
      LITELLM_API_KEY: fc.constant(SECRETS.LITELLM_API_KEY),
      DATA_DIR: fc.constant('/srv/app/data'),
      AUTH_MODE: fc.constantFrom('keys', 'open'),
      NODE_ENV: fc.constantFrom('development', 'test'),
      CREDITS_TEAM_SELF_SERVICE: fc.constantFrom('true', 'false'),
    },
    { requiredKeys: [] },
  )
  .map((environment) => parseSettings(environment));

describe('the announcement of a started service', () => {
  it('has at most 15 lines in every combination, and ends the last one', () => {
    fc.assert(
      fc.property(settings, (given) => {
        const text = announce(given, PLACE);
        expect(text.endsWith('\n')).toBe(true);
        expect(text.split('\n').length - 1).toBeLessThanOrEqual(15);
      }),
      { numRuns: 500 },
    );
  });

  it('never prints a secret of the operator', () => {
    fc.assert(
      fc.property(settings, (given) => {
        const text = announce(given, PLACE);
        for (const secret of [
          SECRETS.MASTER_KEY,
          SECRETS.ENCRYPTION_KEY,
          SECRETS.LITELLM_API_KEY,
          'database-password',
          'upstream-password',
        ]) {
          expect(text).not.toContain(secret);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('without any settings says where everything is and how to make a first request', () => {
    const lines = announce(parseSettings({}), PLACE).split('\n');

    expect(lines).toContain('API        http://127.0.0.1:8003/api');
    expect(lines).toContain('Docs       http://127.0.0.1:8003/docs');
    expect(lines).toContain('Database   embedded Postgres in .data');
    expect(lines.filter((line) => line.includes('sandbox'))).toHaveLength(1);
    expect(lines.filter((line) => line.startsWith('Warning: the admin key'))).toHaveLength(1);
    expect(lines.filter((line) => line.startsWith('Warning: stored answers'))).toHaveLength(1);
    const command = lines.find((line) => line.startsWith('  curl'));
    expect(command).toContain(`${URL_OF_API}/api/organizations/create`);
    expect(command).toContain('-H "Authorization: Bearer sk-admin-key-change-me"');
  });

  it('names the variables that were set instead of what is in them', () => {
    const lines = announce(parseSettings(SECRETS), { ...PLACE, database: 'DATABASE_URL' }).split('\n');

    expect(lines).toContain('Admin key  MASTER_KEY');
    expect(lines).toContain('Database   DATABASE_URL');
    expect(lines).toContain('Models     LITELLM_BASE_URL');
    expect(lines.join('\n')).not.toContain('Warning');
    expect(lines.find((line) => line.startsWith('  curl'))).toBe(`  curl -s ${URL_OF_API}/health/ready`);
  });

  it('warns about an open door', () => {
    const warning = 'Warning: AUTH_MODE=open: a request without a key acts as the admin.';

    expect(announce(parseSettings({ AUTH_MODE: 'open' }), PLACE)).toContain(warning);
    expect(announce(parseSettings({ ...SECRETS, AUTH_MODE: 'open' }), PLACE)).toContain(warning);
    expect(announce(parseSettings({}), PLACE)).not.toContain('AUTH_MODE');
  });
});

import type { Settings } from './config/settings.js';

/**
 * What a person who starts the service needs to know, in at most 15 lines. A key of the operator's own
 * is not printed: output ends up in logs.
 */
export function announce(settings: Settings, { url, database }: { url: string; database: string }): string {
  const isDefaultKey = settings.isDevelopmentMasterKey;
  const lines = [
    `API        ${url}/api`,
    `Docs       ${url}/docs`,
    `Admin key  ${isDefaultKey ? `${settings.masterKey} (the development default; set MASTER_KEY)` : 'MASTER_KEY'}`,
    `Database   ${database}`,
    `Models     ${settings.litellmBaseUrl === null ? 'offline sandbox (set LITELLM_BASE_URL for real ones)' : 'LITELLM_BASE_URL'}`,
  ];
  if (isDefaultKey) {
    lines.push('Warning: the admin key is the public development default. Do not expose this server.');
  }
  if (settings.isDevelopmentEncryptionKey) {
    lines.push(
      'Warning: stored answers are encrypted with the public development default; set ENCRYPTION_KEY.',
    );
  }
  if (settings.authMode === 'open') {
    lines.push('Warning: AUTH_MODE=open: a request without a key acts as the admin.');
  }
  lines.push(
    '',
    'Try:',
    isDefaultKey ? createOrganization(settings, url) : `  curl -s ${url}/health/ready`,
    '',
  );
  return lines.join('\n');
}

function createOrganization(settings: Settings, url: string): string {
  return (
    `  curl -s ${url}/api/organizations/create -H "Authorization: Bearer ${settings.masterKey}" ` +
    `-H "Content-Type: application/json" -d '{"organization_id":"acme-'$(date +%s)'","name":"Acme"}'`
  );
}

import { migrate } from '../database/migrations.js';
import { DEMO_TEAMS, type DemoOutcome, HISTORY_TEAM } from '../demo/demo.service.js';
import { makeDemo } from '../demo/make-demo.js';
import { EXIT_CONFIG } from '../exit.js';
import { StartError } from '../start-error.js';
import { print, runDatabaseCommand } from './command.js';

await runDatabaseCommand(async (databaseUrl, settings) => {
  if (settings.mode === 'production') {
    throw new StartError('The demo is not for production: it would mix with real customers.', EXIT_CONFIG);
  }
  await migrate(databaseUrl);
  const outcome = await makeDemo(settings, databaseUrl);
  print(describe(outcome, settings.port));
  return outcome.kind === 'refused' ? 1 : 0;
});

/** @param port of the service beside which, or before which, the command runs: it reads the same settings */
function describe(outcome: DemoOutcome, port: number): string {
  switch (outcome.kind) {
    case 'refused':
      return outcome.sentence;
    case 'there_already':
      return 'The demo is there already; nothing has changed.';
    case 'made':
      return [
        `Made the teams ${DEMO_TEAMS.join(', ')}, and for ${HISTORY_TEAM} the month 2024-10: 250 jobs, 18.75 USD.`,
        'Their keys, shown this once:',
        ...[...outcome.keys].map(([teamId, key]) => `  ${teamId.padEnd(12)} ${key}`),
        'Try, with the service running and its admin key:',
        `  curl -s "http://127.0.0.1:${String(port)}/api/teams/${HISTORY_TEAM}/usage?period=2024-10" -H "Authorization: Bearer <admin key>"`,
      ].join('\n');
  }
}

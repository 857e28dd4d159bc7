import { writeFileSync } from 'node:fs';
import { createApp } from '../app.js';
import { readSettings } from '../config/environment.js';
import { createOpenApiDocument } from '../openapi.js';
import { runDatabaseCommand } from './command.js';

/** Where the committed contract lies, seen from the root of the project. */
const FILE = 'openapi.json';

await runDatabaseCommand(async (databaseUrl) => {
  const app = await createApp({
    ...readSettings(),
    databaseUrl,
    litellmBaseUrl: 'http://127.0.0.1:1',
    logLevel: 'silent',
  });
  writeFileSync(FILE, `${JSON.stringify(createOpenApiDocument(app), null, 2)}\n`);
  await app.close();
  return 0;
});

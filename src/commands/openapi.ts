import { writeFileSync } from 'node:fs';
import { createApp } from '../app.js';
import { migrate } from '../database/migrations.js';
import { withScratchDatabase } from '../database/scratch-database.js';
import { createOpenApiDocument } from '../openapi.js';
import { print, runDatabaseCommand } from './command.js';

/** Where the committed contract lies, seen from the root of the project. */
const FILE = 'openapi.json';

await runDatabaseCommand((databaseUrl, settings) =>
  withScratchDatabase(databaseUrl, async (scratchUrl) => {
    await migrate(scratchUrl);
    const app = await createApp({
      ...settings,
      databaseUrl: scratchUrl,
      litellmBaseUrl: 'http://127.0.0.1:9',
      logLevel: 'silent',
    });
    writeFileSync(FILE, `${JSON.stringify(createOpenApiDocument(app), null, 2)}\n`);
    await app.close();
    print(`Wrote ${FILE}.`);
    return 0;
  }),
);

import { chmod, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmbeddedPostgres } from '../../dist/src/database/embedded/embedded-postgres.js';
import { migrate } from '../../dist/src/database/migrations.js';

/**
 * One real Postgres for the whole run, with a migrated template from which every test file copies a
 * database of its own. Projects run their set-up one after the other and share the first one's server.
 */
export default async function setUp() {
  if (process.env.TEST_DATABASE_URL !== undefined) return;
  const dataDir = await mkdtemp(join(tmpdir(), 'test-postgres-'));
  // As root, Postgres runs as another user, who must be able to enter the folder.
  await chmod(dataDir, 0o755);
  const postgres = await startEmbeddedPostgres({
    dataDir,
    mode: 'own',
    settings: { max_connections: '200' },
  });
  await migrate(postgres.url);
  globalThis.testPostgres = { postgres, dataDir };
  process.env.TEST_DATABASE_URL = postgres.url;
}

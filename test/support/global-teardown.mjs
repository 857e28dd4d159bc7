import { rm } from 'node:fs/promises';

export default async function tearDown() {
  const started = globalThis.testPostgres;
  if (started === undefined) return;
  delete globalThis.testPostgres;
  delete process.env.TEST_DATABASE_URL;
  await started.postgres.stop();
  await rm(started.dataDir, { recursive: true, force: true });
}

import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import { EmbeddedPostgresError } from './embedded-postgres.error.js';
import { LOOPBACK } from './server-connection.js';

/** Below the range from which systems take ports for outgoing connections, so that none sits on ours. */
const FIRST_PORT = 20_000;
const END_PORT = 32_768;
const MAX_TRIES = 50;

/** A port that is free now; it may be taken a moment later, which the server then reports. */
export async function findFreePort(): Promise<number> {
  for (let attempt = 0; attempt < MAX_TRIES; attempt += 1) {
    const port = randomInt(FIRST_PORT, END_PORT);
    if (await isFree(port)) return port;
  }
  throw new EmbeddedPostgresError(
    `No free port was found between ${String(FIRST_PORT)} and ${String(END_PORT - 1)} for the embedded database. Stop what listens there, or set DATABASE_URL to a Postgres of your own.`,
  );
}

async function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => {
      resolve(false);
    });
    server.listen(port, LOOPBACK, () => {
      server.close(() => {
        resolve(true);
      });
    });
  });
}

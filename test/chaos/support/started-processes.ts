import { appendFileSync } from 'node:fs';
import { findProcess } from '../../../src/database/embedded/process-identity.js';

/**
 * Notes a process that this run has started, so that `run.mjs` can end it if the run itself is ended before
 * it could. With its start mark, because its pid may be another's by then.
 */
export function noteProcess(pid: number | undefined): void {
  const file = process.env['CHAOS_PROCESSES'];
  if (file === undefined || pid === undefined) return;
  void findProcess(pid).then((identity) => {
    if (identity !== null) appendFileSync(file, `${JSON.stringify(identity)}\n`);
  });
}

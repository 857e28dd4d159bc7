import { chmod, cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '../..');

/** What a clone has not, see .gitignore; and the history. */
const LEFT_OUT: ReadonlySet<string> = new Set([
  '.git',
  'node_modules',
  'dist',
  'coverage',
  '.data',
  '.env',
  '.venv',
  '__pycache__',
]);

export interface ProjectCopy {
  readonly directory: string;
  remove(): Promise<void>;
}

/** The project as a newcomer has it: nothing installed, nothing built, in a folder that every user may enter. */
export async function copyProject(): Promise<ProjectCopy> {
  const directory = await mkdtemp(join(tmpdir(), 'test-project-'));
  await chmod(directory, 0o755);
  await cp(ROOT, directory, {
    recursive: true,
    filter: (source) => source === ROOT || !LEFT_OUT.has(basename(source)),
  });
  return { directory, remove: () => rm(directory, { recursive: true, force: true }) };
}

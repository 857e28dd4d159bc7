import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { EmbeddedPostgresError, errorCodeOf } from './embedded-postgres.error.js';
import { isRoot } from './postgres-user.js';

/**
 * Opens a file that the service keeps in its data folder, and nothing that a link in its place leads to.
 * Root may work in a folder of somebody else's, who could otherwise have any file read, written or given
 * away. Whatever is done to the file afterwards is done through the descriptor.
 */
export async function openOwnFile(path: string, flags: number): Promise<FileHandle> {
  // Without O_NONBLOCK a named pipe would hold the start up; for a file it changes nothing.
  const file = await open(path, flags | constants.O_NOFOLLOW | constants.O_NONBLOCK, 0o600).catch(
    (error: unknown) => {
      throw errorCodeOf(error) === 'ELOOP' ? isNoFileOfOurs(path, error) : error;
    },
  );
  const stats = await file.stat();
  // A second name of a file of root's is as dangerous as a symbolic link to it.
  if (stats.isFile() && (stats.nlink === 1 || !isRoot())) return file;
  await file.close();
  throw isNoFileOfOurs(path);
}

function isNoFileOfOurs(path: string, cause?: unknown): EmbeddedPostgresError {
  return new EmbeddedPostgresError(
    `${path} is a link or no plain file, and the service follows no link there. Move it away, then start again.`,
    { cause },
  );
}

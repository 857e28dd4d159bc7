/**
 * Everything foreseeable that can go wrong around the embedded Postgres. `message` is for the operator
 * and says what to do; `detail`, where there is one, is what the server itself wrote.
 */
export class EmbeddedPostgresError extends Error {
  readonly detail: string | null;

  constructor(message: string, options: { detail?: string; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.name = 'EmbeddedPostgresError';
    this.detail = options.detail ?? null;
  }
}

/** The code of a system or Postgres error. It looks at the shape: both kinds come from other libraries. */
export function errorCodeOf(error: unknown): string | null {
  if (typeof error !== 'object' || error === null || !('code' in error)) return null;
  return typeof error.code === 'string' ? error.code : null;
}

export function errorMessageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'this user may not use it',
  EPERM: 'this user may not change it',
  EROFS: 'its file system is read-only',
  ENOSPC: 'its disk is full',
  EDQUOT: 'its disk quota is used up',
  ENOTDIR: 'a part of its path is a file, not a folder',
  EEXIST: 'a file is in its place',
  ELOOP: 'its path is a circle of links',
  ENAMETOOLONG: 'its path is too long',
  EMFILE: 'this process has too many open files',
  EIO: 'its disk reports errors',
};

/**
 * Turns what the file system refused into a sentence about the folder; every other error is a bug and
 * goes through unchanged.
 */
export function explainSystemError(error: unknown, dataDir: string): unknown {
  if (error instanceof EmbeddedPostgresError) return error;
  const code = errorCodeOf(error);
  if (code === null || typeof error !== 'object' || error === null || !('syscall' in error)) return error;
  const reason = REASONS[code] ?? `the system reports ${code}`;
  const path = 'path' in error && typeof error.path === 'string' ? ` (at ${error.path})` : '';
  return new EmbeddedPostgresError(
    `The data directory ${dataDir} cannot be used: ${reason}${path}. Mend that, or set DATA_DIR to another folder.`,
    { cause: error },
  );
}

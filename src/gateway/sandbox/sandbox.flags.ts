import { parseArgs } from 'node:util';

/** Where `npm run sandbox` listens. */
export interface SandboxFlags {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Where the requests and bills are written; null for nowhere. */
  readonly journalFile: string | null;
}

export type SandboxFlagsReading =
  { readonly ok: true; readonly flags: SandboxFlags } | { readonly ok: false; readonly message: string };

const DEFAULT_HOST = '127.0.0.1';
const DEFAULT_PORT = '8004';
const USAGE = 'Usage: npm run sandbox -- [--port <number>] [--host <address>] [--journal <file>]';

/** Reads the command line without the program's name; a wrong one is answered by a sentence for its user. */
export function parseSandboxFlags(args: readonly string[]): SandboxFlagsReading {
  let values: { host: string; port: string; journal?: string };
  try {
    values = parseArgs({
      args: [...args],
      options: {
        host: { type: 'string', default: DEFAULT_HOST },
        port: { type: 'string', default: DEFAULT_PORT },
        journal: { type: 'string' },
      },
    }).values;
  } catch (error) {
    // Some of these messages have several lines, and a script that reads stderr expects one.
    return refusal((error instanceof Error ? error.message : String(error)).replaceAll('\n', ' '));
  }
  const { host, port, journal } = values;
  if (host.trim() === '') return refusal('--host must not be empty.');
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535) {
    return refusal(`--port must be a whole number from 0 to 65535, not "${port}".`);
  }
  if (journal?.trim() === '') return refusal('--journal must not be empty.');
  return { ok: true, flags: { host, port: Number(port), journalFile: journal ?? null } };
}

function refusal(message: string): SandboxFlagsReading {
  return { ok: false, message: `${message.replace(/\.$/, '')}. ${USAGE}` };
}

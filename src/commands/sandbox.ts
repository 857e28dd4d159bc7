import { parseSandboxFlags, type SandboxFlags } from '../gateway/sandbox/sandbox.flags.js';
import { startSandbox } from '../gateway/sandbox/sandbox.server.js';

/** The code of sysexits.h for a command that was used wrongly. */
const EXIT_USAGE = 64;

const reading = parseSandboxFlags(process.argv.slice(2));
if (reading.ok) {
  await run(reading.flags);
} else {
  process.stderr.write(`${reading.message}\n`);
  process.exitCode = EXIT_USAGE;
}

/** Serves until a signal asks for the end; the process then ends by itself, as nothing keeps it. */
async function run({ host, port, journalFile }: SandboxFlags): Promise<void> {
  try {
    const sandbox = await startSandbox({ host, port, ...(journalFile !== null && { journalFile }) });
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => void sandbox.stop());
    }
    process.stdout.write(`The sandbox upstream listens on ${sandbox.baseUrl}\n`);
  } catch (error) {
    process.stderr.write(`${startFailure(error, host, port)}\n`);
    process.exitCode = 1;
  }
}

function startFailure(error: unknown, host: string, port: number): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
  return code === 'EADDRINUSE'
    ? `Port ${port} on ${host} is in use: stop what listens there, or choose another port with --port.`
    : `The sandbox cannot listen on port ${port} of ${host} (${code}).`;
}

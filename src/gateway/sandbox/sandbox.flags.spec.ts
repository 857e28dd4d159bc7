import { describe, expect, it } from '@jest/globals';
import { parseSandboxFlags } from './sandbox.flags.js';

describe('the flags of npm run sandbox', () => {
  it.each([
    [[], { host: '127.0.0.1', port: 8004, journalFile: null }],
    [['--port', '0'], { host: '127.0.0.1', port: 0, journalFile: null }],
    [['--port=65535', '--host', '::1'], { host: '::1', port: 65535, journalFile: null }],
    [['--journal', 'calls.jsonl'], { host: '127.0.0.1', port: 8004, journalFile: 'calls.jsonl' }],
  ])('%j are read', (args, flags) => {
    expect(parseSandboxFlags(args)).toEqual({ ok: true, flags });
  });

  it.each([
    [['--port', '65536'], 'from 0 to 65535'],
    [['--port', 'http'], 'not "http"'],
    [['--port', ''], 'from 0 to 65535'],
    [['--port=-1'], 'from 0 to 65535'],
    [['--port', '-1'], 'ambiguous'],
    [['--port'], "'--port <value>' argument missing"],
    [['--host', ''], '--host must not be empty'],
    [['--journal', ''], '--journal must not be empty'],
    [['--verbose'], "Unknown option '--verbose'"],
    [['8004'], "Unexpected argument '8004'"],
  ])('%j are refused in one line that shows the usage', (args, reason) => {
    const reading = parseSandboxFlags(args);

    const message = reading.ok ? '' : reading.message;
    expect(message).toContain(reason);
    expect(message).toContain('Usage: npm run sandbox');
    expect(message).not.toContain('\n');
  });
});

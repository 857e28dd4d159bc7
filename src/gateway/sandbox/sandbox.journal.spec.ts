import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type Sandbox, startSandbox } from './sandbox.server.js';

describe('the journal of a sandbox', () => {
  let folder: string;
  let file: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sandbox-journal-'));
    file = join(folder, 'journal.jsonl');
  });
  afterEach(() => rm(folder, { recursive: true }));

  async function entries(): Promise<unknown[]> {
    const text = await readFile(file, 'utf8');
    return text
      .trimEnd()
      .split('\n')
      .map((line): unknown => JSON.parse(line));
  }

  async function ask(sandbox: Sandbox, callId: string, model: string): Promise<void> {
    const response = await fetch(`${sandbox.baseUrl}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-litellm-call-id': callId },
      body: JSON.stringify({ model, messages: [{ role: 'user', content: 'Hello' }] }),
    });
    await response.text();
  }

  it('has every request by its id, and a bill only where there was an answer', async () => {
    const sandbox = await startSandbox({ journalFile: file });
    await ask(sandbox, 'call-1', 'fault-status-503');
    await ask(sandbox, 'call-2', 'gpt-4o-mini');
    const { promptTokens, completionTokens } = sandbox.servedTokens();
    await sandbox.stop();

    expect(await entries()).toEqual([
      { event: 'received', callId: 'call-1', model: 'fault-status-503' },
      { event: 'received', callId: 'call-2', model: 'gpt-4o-mini' },
      {
        event: 'billed',
        callId: 'call-2',
        promptTokens,
        completionTokens,
        costUsd: expect.stringMatching(/^0\.\d+$/),
      },
    ]);
    expect(completionTokens).toBeGreaterThan(0);
  });

  it('goes on where the sandbox before it ended', async () => {
    for (const callId of ['call-1', 'call-2']) {
      const sandbox = await startSandbox({ journalFile: file });
      await ask(sandbox, callId, 'fault-status-429');
      await sandbox.stop();
    }

    expect(await entries()).toEqual([
      { event: 'received', callId: 'call-1', model: 'fault-status-429' },
      { event: 'received', callId: 'call-2', model: 'fault-status-429' },
    ]);
  });
});

// The client of bench/streams.ts, in a process of its own: opens streams and reads them to their ends.
import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, request } from 'undici';

/** What is asked for, as the one argument of this program, in JSON. */
export interface StreamLoad {
  readonly url: string;
  /** Taken in turn. */
  readonly keys: readonly string[];
  readonly model: string;
  readonly streams: number;
  /** Over which the streams are opened, evenly. */
  readonly rampMs: number;
  /** A stream that has not ended by then is given up. */
  readonly deadlineMs: number;
}

/** What came of it, on standard output, in JSON. */
export interface StreamResults {
  readonly firstByteMs: readonly number[];
  /** Frames that hold JSON, over all streams. */
  readonly frames: number;
  /** Streams that ended with `[DONE]`. */
  readonly done: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly errors: readonly string[];
  readonly processorMs: number;
}

interface Result {
  readonly firstByteMs: number;
  readonly frames: number;
  readonly usage: { readonly prompt_tokens: number; readonly completion_tokens: number };
}

const DONE = 'data: [DONE]\n\n';

async function main(): Promise<void> {
  const load = JSON.parse(process.argv[2] ?? '') as StreamLoad;
  const agent = new Agent({ headersTimeout: 0, bodyTimeout: 0, pipelining: 1 });
  const errors: string[] = [];
  const results: Result[] = [];
  const { user, system } = process.cpuUsage();
  await Promise.all(
    Array.from({ length: load.streams }, async (_, number) => {
      await sleep((number * load.rampMs) / load.streams);
      try {
        results.push(await readStream(load, load.keys[number % load.keys.length] ?? '', agent));
      } catch (error) {
        errors.push(String(error));
      }
    }),
  );
  const spent = process.cpuUsage({ user, system });
  await agent.close();
  const sum = (count: (result: Result) => number): number =>
    results.reduce((total, result) => total + count(result), 0);
  const printed: StreamResults = {
    firstByteMs: results.map(({ firstByteMs }) => firstByteMs),
    frames: sum(({ frames }) => frames),
    done: results.length,
    promptTokens: sum(({ usage }) => usage.prompt_tokens),
    completionTokens: sum(({ usage }) => usage.completion_tokens),
    errors,
    processorMs: (spent.user + spent.system) / 1000,
  };
  process.stdout.write(JSON.stringify(printed));
}

/** @throws Error if it ends in any other way than with its last frame */
async function readStream(
  { url, model, deadlineMs }: StreamLoad,
  key: string,
  agent: Agent,
): Promise<Result> {
  const askedAt = performance.now();
  const response = await request(url, {
    method: 'POST',
    dispatcher: agent,
    signal: AbortSignal.timeout(deadlineMs),
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      model,
      stream: true,
      stream_options: { include_usage: true },
      messages: [{ role: 'user', content: 'How do I reset my password?' }],
    }),
  });
  if (response.statusCode !== 200) {
    throw new Error(`${String(response.statusCode)} ${await response.body.text()}`);
  }
  let firstByteMs: number | null = null;
  let frames = 0;
  let tail = '';
  for await (const bytes of response.body as AsyncIterable<Buffer>) {
    firstByteMs ??= performance.now() - askedAt;
    const text = bytes.toString('latin1');
    for (let at = text.indexOf('data: {'); at !== -1; at = text.indexOf('data: {', at + 1)) frames += 1;
    tail = (tail + text).slice(-2_000);
  }
  if (firstByteMs === null || !tail.endsWith(DONE)) throw new Error('A stream ended without its last frame.');
  const last = tail.slice(0, -DONE.length);
  const chunk = JSON.parse(last.slice(last.lastIndexOf('data: ') + 'data: '.length)) as Pick<Result, 'usage'>;
  return { firstByteMs, frames, usage: chunk.usage };
}

await main();

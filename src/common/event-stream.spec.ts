import { EventEmitter, once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import express from 'express';
import { EventStream, type EventStreamPace, writeEventStream } from './event-stream.js';

const PATIENT: EventStreamPace = { keepAliveMs: 60_000, stallTimeoutMs: 60_000 };

/** A source whose frames a test hands out one by one, and what it has been told. */
class Source {
  readonly events = new EventEmitter();
  hasLeft = false;
  read = 0;

  constructor(private readonly all: readonly string[]) {}

  get stream(): EventStream {
    return new EventStream(this.frames(), () => {
      this.hasLeft = true;
      this.events.emit('left');
    });
  }

  private async *frames(): AsyncGenerator<string> {
    for (const frame of this.all) {
      this.read += 1;
      this.events.emit('read');
      yield frame;
      await new Promise(setImmediate);
    }
    this.events.emit('end');
  }
}

const stops: (() => void)[] = [];

afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

async function serve(source: Source, pace: EventStreamPace): Promise<string> {
  const app = express();
  app.get('/', (_, response) => void writeEventStream(response, source.stream, pace));
  app.get('/hang', () => undefined);
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  stops.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${String((server.address() as AddressInfo).port)}/`;
}

describe('a stream of events', () => {
  it('is written frame by frame, and not to be stored or gathered by anybody', async () => {
    const url = await serve(new Source(['data: 1\n\n', 'data: 2\n\n']), PATIENT);
    const answer = await fetch(url);
    expect(answer.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    expect(answer.headers.get('cache-control')).toBe('no-cache, no-transform');
    expect(answer.headers.get('x-accel-buffering')).toBe('no');
    expect(await answer.text()).toBe('data: 1\n\ndata: 2\n\n');
  });

  it('is read to its end for a client that leaves, and told so once', async () => {
    const source = new Source(Array.from({ length: 2_000 }, () => `data: ${'x'.repeat(1_000)}\n\n`));
    const ended = once(source.events, 'end');
    const leaving = new AbortController();
    const answer = await fetch(await serve(source, PATIENT), { signal: leaving.signal });
    await answer.body!.getReader().read();
    leaving.abort();
    await ended;
    expect(source.hasLeft).toBe(true);
    expect(source.read).toBe(2_000);
  });

  it('is read no faster than its client takes it', async () => {
    const source = new Source(Array.from({ length: 2_000 }, () => `data: ${'x'.repeat(100_000)}\n\n`));
    const answer = await fetch(await serve(source, PATIENT));
    await answer.body!.getReader().read();
    let before = -1;
    // Until nothing moves any more: what buffers hold has been filled.
    while (before !== source.read) {
      before = source.read;
      await sleep(100);
    }
    expect(source.read).toBeLessThan(2_000);
    expect(source.hasLeft).toBe(false);
  });

  it('takes a client that takes nothing for gone', async () => {
    const source = new Source(Array.from({ length: 2_000 }, () => `data: ${'x'.repeat(100_000)}\n\n`));
    const left = once(source.events, 'left');
    await fetch(await serve(source, { ...PATIENT, stallTimeoutMs: 50 }));
    await left;
    expect(source.hasLeft).toBe(true);
  });

  it.each<[string, boolean]>([
    ['goes away', true],
    ['stays', false],
  ])('is given up behind an answer that does not come, though its client %s', async (_, leaves) => {
    const source = new Source(Array.from({ length: 20 }, () => `data: ${'x'.repeat(100_000)}\n\n`));
    const ended = once(source.events, 'end');
    const url = new URL(await serve(source, { ...PATIENT, stallTimeoutMs: 50 }));
    const client = connect(Number(url.port), url.hostname);
    stops.push(() => client.destroy());
    // Pipelined: the second answer may go out only behind the first one, so nobody ever takes it.
    for (const path of ['/hang', '/']) client.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    if (leaves) {
      await once(source.events, 'read');
      client.destroy();
    }
    await ended;
    expect(source.hasLeft).toBe(true);
    expect(source.read).toBe(20);
  });

  it('does not tell a source that its client has left who has read it all', async () => {
    const source = new Source(['data: 1\n\n']);
    await (await fetch(await serve(source, PATIENT))).text();
    await sleep(20);
    expect(source.hasLeft).toBe(false);
  });

  it('shows its frames to a listener on their way', async () => {
    const seen: string[] = [];
    const stream = new Source(['a', 'b']).stream.observed({
      onFrames: (frames) => seen.push(frames),
      onEnd: async () => {
        await Promise.resolve();
        seen.push('end');
      },
    });
    for await (const frames of stream.frames) seen.push(`sent ${frames}`);
    expect(seen).toEqual(['a', 'sent a', 'b', 'sent b', 'end']);
  });
});

import { once } from 'node:events';
import { createServer, get, type IncomingMessage, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { NO_FAULTS } from './sandbox.faults.js';
import { writeStream } from './sandbox.stream-wire.js';

const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.close();
    server.closeAllConnections();
  }
});

/** A server that writes these payloads to whoever asks. Tells how the first writing ended. */
async function serve(payloads: Iterable<string>): Promise<{ url: string; ended: Promise<string> }> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const server = createServer((request, response) => {
    const gone = new AbortController();
    response.once('close', () => {
      gone.abort();
    });
    const stream = { headers: {}, payloads, plan: NO_FAULTS };
    writeStream(request, response, stream, gone.signal, () => undefined).then(
      () => {
        resolve('written');
      },
      (error: unknown) => {
        resolve((error as Error).name);
      },
    );
  });
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`, ended: promise };
}

describe('the writing of a stream', () => {
  it('makes no more frames than its client takes', async () => {
    const all = 100_000;
    let made = 0;
    const { url, ended } = await serve(
      (function* () {
        for (; made < all; made++) yield 'x'.repeat(1_000);
      })(),
    );
    const [response] = (await once(get(url), 'response')) as [IncomingMessage];
    // A hundred megabytes: far more than the buffers between the two hold.
    expect(made).toBeLessThan(all);

    response.resume();
    await once(response, 'end');
    expect(made).toBe(all);
    expect(await ended).toBe('written');
  });

  it('stops making frames when its client is gone', async () => {
    const all = 100_000;
    let made = 0;
    const { url, ended } = await serve(
      (function* () {
        for (; made < all; made++) yield 'x'.repeat(1_000);
      })(),
    );
    const request = get(url).on('error', () => undefined);
    await once(request, 'response');
    request.destroy();

    expect(await ended).toBe('AbortError');
    expect(made).toBeLessThan(all);
  });
});

import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { FaultProxy } from './fault-proxy.js';

describe('the fault proxy', () => {
  let target: Server;
  let proxy: FaultProxy;
  /** What the target received, and the connections that it has. */
  let received: string;
  let connections: Set<Socket>;

  beforeEach(async () => {
    received = '';
    connections = new Set();
    // An echo that closes its side when the client has closed its own.
    target = createServer((socket) => {
      connections.add(socket);
      socket.on('error', () => undefined).once('close', () => connections.delete(socket));
      socket.on('data', (chunk) => {
        received += chunk.toString();
        socket.write(chunk);
      });
    });
    target.listen(0, '127.0.0.1');
    await once(target, 'listening');
    proxy = await FaultProxy.start((target.address() as AddressInfo).port);
  });
  afterEach(async () => {
    await proxy.stop();
    target.close();
    for (const socket of connections) socket.destroy();
  });

  async function connect(): Promise<Client> {
    const client = new Client();
    client.socket.connect(proxy.port, '127.0.0.1');
    await once(client.socket, 'connect');
    return client;
  }

  it('passes bytes and the end of a connection in both directions', async () => {
    const client = await connect();
    client.socket.write('one');
    await until(() => client.received === 'one');
    expect(received).toBe('one');
    client.socket.end();
    await until(() => client.isClosed && connections.size === 0);
  });

  it('passes on that the target closed', async () => {
    const client = await connect();
    client.socket.write('one');
    await until(() => client.received === 'one');
    for (const socket of connections) socket.end();
    await until(() => client.isClosed);
  });

  it('delays one direction and leaves the other alone', async () => {
    const client = await connect();
    proxy.delay(300, ['toClient']);
    client.socket.write('one');
    await until(() => received === 'one');
    expect(client.received).toBe('');
    await until(() => client.received === 'one');
  });

  it('keeps the order of what was sent before and during a delay', async () => {
    const client = await connect();
    proxy.delay(100, ['toTarget']);
    client.socket.write('1');
    await new Promise((wake) => setTimeout(wake, 20));
    proxy.delay(1, ['toTarget']);
    client.socket.write('2');
    await until(() => received.length === 2);
    expect(received).toBe('12');
  });

  it('holds one direction until it is healed, and loses nothing', async () => {
    const client = await connect();
    proxy.hold(['toClient']);
    client.socket.write('one');
    await until(() => received === 'one');
    client.socket.write(' two');
    await until(() => received === 'one two');
    expect(client.received).toBe('');
    await proxy.heal();
    await until(() => client.received === 'one two');
  });

  it('holds the end of a connection, too', async () => {
    const client = await connect();
    client.socket.write('one');
    await until(() => client.received === 'one');
    proxy.hold();
    client.socket.resetAndDestroy();
    const second = await connect();
    second.socket.write('two');
    await new Promise((wake) => setTimeout(wake, 50));
    expect([...connections].filter((socket) => !socket.destroyed).length).toBe(2);
    expect(received).toBe('one');
    await proxy.heal();
    await until(() => connections.size === 1);
    await until(() => second.received === 'two');
  });

  it('cuts the connections that there are, at both ends, and takes new ones', async () => {
    const [first, second] = [await connect(), await connect()];
    first.socket.write('x');
    second.socket.write('x');
    await until(() => received === 'xx');
    expect(proxy.cut()).toBe(2);
    await until(() => first.isClosed && second.isClosed && connections.size === 0);
    expect(first.error).toBe('ECONNRESET');
    const third = await connect();
    third.socket.write('y');
    await until(() => third.received === 'y');
  });

  it('refuses new connections while those that there are go on', async () => {
    const first = await connect();
    proxy.refuse();
    await expect(connect()).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    first.socket.write('one');
    await until(() => first.received === 'one');
    await proxy.heal();
    const second = await connect();
    second.socket.write('two');
    await until(() => second.received === 'two');
    expect(proxy.accepted).toBe(2);
  });
});

class Client {
  readonly socket = new Socket();
  received = '';
  isClosed = false;
  error: string | null = null;

  constructor() {
    this.socket.on('data', (chunk) => (this.received += chunk.toString()));
    this.socket.on('error', (error: NodeJS.ErrnoException) => (this.error = error.code ?? error.message));
    this.socket.once('close', () => (this.isClosed = true));
  }
}

/** A test that waits in vain ends by Jest's own bound. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((wake) => setTimeout(wake, 2));
}

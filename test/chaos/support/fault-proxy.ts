import { once } from 'node:events';
import { createServer, type Server, Socket } from 'node:net';
import { steadyPort } from './ports.js';

/** What happens to the bytes of one direction; both at once unless one is named. */
export type Direction = 'toTarget' | 'toClient';

/**
 * `hold` is a black hole that ends: what was sent into it arrives when it is healed, the closing of a
 * connection included, as TCP does after packets were lost.
 */
export type Flow = { readonly kind: 'pass' | 'hold' } | { readonly kind: 'delay'; readonly ms: number };

const PASS: Flow = { kind: 'pass' };
const BOTH: readonly Direction[] = ['toTarget', 'toClient'];

/** One connection through the proxy. */
interface Link {
  readonly client: Socket;
  readonly target: Socket;
  readonly pumps: readonly Pump[];
}

/** A TCP proxy on loopback whose network can be broken. */
export class FaultProxy {
  private readonly flows: Record<Direction, Flow> = { toTarget: PASS, toClient: PASS };
  private readonly links = new Set<Link>();
  private server: Server | null = null;
  /** Connections accepted since the start. */
  accepted = 0;

  private constructor(
    readonly port: number,
    private readonly targetPort: number,
  ) {}

  static async start(targetPort: number): Promise<FaultProxy> {
    const proxy = new FaultProxy(await steadyPort(), targetPort);
    await proxy.listen();
    return proxy;
  }

  delay(ms: number, directions: readonly Direction[] = BOTH): void {
    this.setFlows({ kind: 'delay', ms }, directions);
  }

  hold(directions: readonly Direction[] = BOTH): void {
    this.setFlows({ kind: 'hold' }, directions);
  }

  /** Resets all connections that there are; what is on its way is lost. @returns how many there were */
  cut(): number {
    const { size } = this.links;
    for (const { client, target } of this.links) {
      client.resetAndDestroy();
      target.resetAndDestroy();
    }
    this.links.clear();
    return size;
  }

  /** Takes no new connections; those that there are go on. */
  refuse(): void {
    this.server?.close();
    this.server = null;
  }

  /** Everything passes again, and what was held arrives. */
  async heal(): Promise<void> {
    this.setFlows(PASS, BOTH);
    if (this.server === null) await this.listen();
  }

  async stop(): Promise<void> {
    const { server } = this;
    this.refuse();
    this.cut();
    if (server?.listening === true) await once(server, 'close');
  }

  private setFlows(flow: Flow, directions: readonly Direction[]): void {
    for (const direction of directions) this.flows[direction] = flow;
    for (const { pumps } of this.links) for (const pump of pumps) pump.run();
  }

  private async listen(): Promise<void> {
    const server = createServer({ allowHalfOpen: true }, (client) => {
      this.accept(client);
    });
    server.listen(this.port, '127.0.0.1');
    await once(server, 'listening');
    this.server = server;
  }

  private accept(client: Socket): void {
    this.accepted += 1;
    const target = new Socket({ allowHalfOpen: true });
    target.connect(this.targetPort, '127.0.0.1');
    client.setNoDelay(true);
    target.setNoDelay(true);
    const link: Link = {
      client,
      target,
      pumps: [
        new Pump(client, target, () => this.flows.toTarget),
        new Pump(target, client, () => this.flows.toClient),
      ],
    };
    this.links.add(link);
    const forget = (): void => {
      if (client.closed && target.closed) this.links.delete(link);
    };
    client.once('close', forget);
    target.once('close', forget);
  }
}

type Item = Buffer | 'end' | 'reset';

/** Carries one direction of a connection: its bytes, and that it ended. */
class Pump {
  private readonly queue: { readonly item: Item; readonly dueAt: number }[] = [];
  private timer: NodeJS.Timeout | undefined;

  constructor(
    from: Socket,
    private readonly to: Socket,
    private readonly flow: () => Flow,
  ) {
    from.on('data', (chunk: Buffer) => {
      this.take(chunk);
    });
    from.on('end', () => {
      this.take('end');
    });
    from.on('error', () => {
      this.take('reset');
    });
    to.once('close', () => {
      clearTimeout(this.timer);
    });
  }

  /** Passes on what is due; called again whenever that may have changed. */
  run(): void {
    clearTimeout(this.timer);
    const flow = this.flow();
    if (flow.kind === 'hold') return;
    for (let next = this.queue[0]; next !== undefined; next = this.queue[0]) {
      const waitMs = flow.kind === 'delay' ? next.dueAt - performance.now() : 0;
      if (waitMs > 0) {
        this.timer = setTimeout(() => {
          this.run();
        }, waitMs);
        return;
      }
      this.queue.shift();
      this.give(next.item);
    }
  }

  private take(item: Item): void {
    const flow = this.flow();
    const delayMs = flow.kind === 'delay' ? flow.ms : 0;
    this.queue.push({ item, dueAt: performance.now() + delayMs });
    this.run();
  }

  private give(item: Item): void {
    if (this.to.destroyed) return;
    if (item === 'end') this.to.end();
    else if (item === 'reset') this.to.resetAndDestroy();
    else this.to.write(item);
  }
}

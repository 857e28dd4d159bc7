import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** What the upstream reports for each answer; exact in 12 decimals. */
export const COST_OF_ANSWER_USD = '0.000125';

/** The name of a model says what it does: `model-a` answers, `status-503` fails, `delay-20` takes 20 ms. */
const BEHAVIOUR = /^(status|delay)-(\d+)/;

/**
 * An upstream with OpenAI's chat route and LiteLLM's headers that remembers every attempt that reached it,
 * for as long as it runs, which the sandbox does not.
 */
export class ChaosUpstream {
  /** How often each attempt came in, by `x-litellm-call-id`. */
  readonly arrivals = new Map<string, number>();
  /** Attempts whose answer was written, whoever read it. */
  readonly answered = new Set<string>();

  private constructor(
    private readonly server: Server,
    readonly port: number,
  ) {}

  static async start(): Promise<ChaosUpstream> {
    const server = createServer({ keepAliveTimeout: 60_000 });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const upstream = new ChaosUpstream(server, (server.address() as AddressInfo).port);
    server.on('request', (request, response) => {
      // A connection that breaks is what these scenarios are about; the arrival has been noted.
      upstream.serve(request).then(
        ({ attemptId, status, text }) => {
          const cost = status === 200 ? { 'x-litellm-response-cost': COST_OF_ANSWER_USD } : {};
          response.writeHead(status, { 'content-type': 'application/json', ...cost });
          response.end(text, () => upstream.answered.add(attemptId));
        },
        () => response.destroy(),
      );
    });
    return upstream;
  }

  get baseUrl(): string {
    return `http://127.0.0.1:${String(this.port)}`;
  }

  async stop(): Promise<void> {
    const closed = once(this.server, 'close');
    this.server.close();
    this.server.closeAllConnections();
    await closed;
  }

  private async serve(
    request: IncomingMessage,
  ): Promise<{ attemptId: string; status: number; text: string }> {
    const attemptId = String(request.headers['x-litellm-call-id']);
    this.arrivals.set(attemptId, (this.arrivals.get(attemptId) ?? 0) + 1);
    let body = '';
    for await (const chunk of request.setEncoding('utf8') as AsyncIterable<string>) body += chunk;
    const { model } = JSON.parse(body) as { model: string };
    const [, kind, amount] = BEHAVIOUR.exec(model) ?? [];
    if (kind === 'delay') await sleep(Number(amount));
    return kind === 'status'
      ? { attemptId, status: Number(amount), text: JSON.stringify({ error: { message: 'No luck.' } }) }
      : { attemptId, status: 200, text: JSON.stringify(COMPLETION) };
  }
}

const COMPLETION = {
  id: 'chatcmpl-chaos',
  object: 'chat.completion',
  created: 1_700_000_000,
  model: 'model',
  choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content: 'An answer.' } }],
  usage: { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 },
};

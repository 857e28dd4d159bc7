import { Pool } from 'undici';

/** Nothing in a run may wait longer for an answer. */
const ANSWER_TIMEOUT_MS = 30_000;

/** A client with a fixed number of connections, each of which carries one request at a time. */
export class ServiceClient {
  private readonly pool: Pool;

  constructor(baseUrl: string, connections: number) {
    this.pool = new Pool(baseUrl, {
      connections,
      pipelining: 1,
      headersTimeout: ANSWER_TIMEOUT_MS,
      bodyTimeout: ANSWER_TIMEOUT_MS,
    });
  }

  /** @throws Error for any other answer than 200 */
  async post(path: string, key: string, body: object): Promise<Record<string, unknown>> {
    const response = await this.pool.request({
      method: 'POST',
      path,
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    const text = await response.body.text();
    if (response.statusCode !== 200) {
      throw new Error(`${path} answered ${String(response.statusCode)}: ${text}`);
    }
    return JSON.parse(text) as Record<string, unknown>;
  }

  async close(): Promise<void> {
    await this.pool.close();
  }
}

/** Does `work` with `width` workers until it answers false or throws. */
export async function inParallel(width: number, work: () => Promise<boolean>): Promise<void> {
  const worker = async (): Promise<void> => {
    while (await work());
  };
  await Promise.all(Array.from({ length: width }, worker));
}

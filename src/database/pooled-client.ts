import { Client, type ClientConfig } from 'pg';

/** What pg says, with no code, when `query_timeout` is over. */
const STATEMENT_TIMEOUT = 'Query read timeout';

/**
 * A connection that ends with the first statement that was not answered in time. pg only stops waiting:
 * the statement goes on, a rollback queues behind it and is dropped after the same time, and the pool
 * would hand the connection on with the transaction still open. The next one to commit on it would then
 * commit half of what was given up, and until then its locks would stay.
 */
export class PooledClient extends Client {
  constructor(config?: string | ClientConfig) {
    super(config);
    const send = this.query.bind(this) as (...parameters: unknown[]) => unknown;
    const sendOrEnd = (...parameters: unknown[]): unknown => {
      const result = send(...parameters);
      if (result instanceof Promise) {
        result.catch((error: unknown) => {
          // The pool takes no ended connection back, so it opens another one instead.
          if (error instanceof Error && error.message === STATEMENT_TIMEOUT) void this.end();
        });
      }
      return result;
    };
    this.query = sendOrEnd as Client['query'];
  }
}

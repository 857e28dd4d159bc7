import { Writable } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { pinoHttp } from 'pino-http';
import { QueryFailedError } from 'typeorm';
import { parseSettings } from './config/settings.js';
import { loggerOptions } from './logging.js';

function logged(write: (logger: ReturnType<typeof pinoHttp>['logger']) => void): Record<string, unknown> {
  let text = '';
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      text += chunk.toString();
      done();
    },
  });
  const { pinoHttp: options } = loggerOptions(parseSettings({ LOG_LEVEL: 'info' }));
  write(pinoHttp({ ...(options as object), stream }).logger);
  return JSON.parse(text) as Record<string, unknown>;
}

describe('the log', () => {
  it('has of an error what it is and where it happened, and no parameters of a statement', () => {
    const error = new QueryFailedError(
      'INSERT INTO t VALUES ($1)',
      ['the prompt'],
      new Error('no space left'),
    );
    const line = logged((logger) => {
      logger.error({ err: error }, 'It failed.');
    });
    expect(line['err']).toEqual({
      type: 'QueryFailedError',
      stack: expect.stringContaining('no space left'),
    });
    expect(JSON.stringify(line)).not.toContain('the prompt');
  });
});

import type { Params } from 'nestjs-pino';
import { requestIdOf } from './common/request-id.js';
import type { Settings } from './config/settings.js';

/** As pino reads an error. */
interface ReadError {
  readonly type: string;
  readonly stack: string;
}

/** One JSON line per request at `info`; bodies, keys and query strings are never logged. */
export function loggerOptions(settings: Settings): Params {
  return {
    pinoHttp: {
      level: settings.logLevel,
      autoLogging: settings.logLevel !== 'silent',
      genReqId: (request) => requestIdOf(request),
      serializers: {
        req: (request: { id: unknown; method: unknown; url: unknown }) => ({
          id: request.id,
          method: request.method,
          path: typeof request.url === 'string' ? request.url.split('?', 1)[0] : undefined,
        }),
        res: (response: { statusCode: unknown }) => ({ status: response.statusCode }),
        // The stack alone: a failed statement carries its parameters, which are nobody's business in a log.
        err: ({ type, stack }: ReadError) => ({ type, stack }),
      },
    },
  };
}

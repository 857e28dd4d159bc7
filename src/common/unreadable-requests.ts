import type { Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { errorCodeOf } from './error-code.js';
import { malformedRequest } from './general.errors.js';
import { toProblem } from './problem.js';

/**
 * Answers what Node refuses before the application sees a request, in the shape of every other problem.
 * There is nothing of the request to take an id from.
 */
export function answerUnreadableRequests(server: Server): void {
  server.on('clientError', (error: Error, socket: Duplex) => {
    if (errorCodeOf(error) === 'ECONNRESET' || !socket.writable) {
      socket.destroy();
      return;
    }
    const isTooLarge = errorCodeOf(error) === 'HPE_HEADER_OVERFLOW';
    const status = isTooLarge ? 431 : 400;
    const problem = toProblem(
      malformedRequest(isTooLarge ? 'The headers are too large.' : 'The request cannot be read as HTTP.'),
      '',
      status,
    );
    const body = JSON.stringify(problem);
    socket.end(
      `HTTP/1.1 ${String(status)} ${problem.title}\r\nConnection: close\r\nContent-Type: application/problem+json\r\n` +
        `Content-Length: ${String(Buffer.byteLength(body))}\r\n\r\n${body}`,
    );
  });
}

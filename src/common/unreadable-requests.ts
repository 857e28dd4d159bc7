import type { Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { errorCodeOf } from './error-code.js';

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
    const title = isTooLarge ? 'Request Header Fields Too Large' : 'Bad Request';
    const body = JSON.stringify({
      type: 'about:blank',
      title,
      status,
      detail: isTooLarge ? 'The headers are too large.' : 'The request cannot be read as HTTP.',
      code: 'malformed_request',
      request_id: '',
    });
    socket.end(
      `HTTP/1.1 ${String(status)} ${title}\r\nConnection: close\r\nContent-Type: application/problem+json\r\n` +
        `Content-Length: ${String(Buffer.byteLength(body))}\r\n\r\n${body}`,
    );
  });
}

import { ExpressAdapter } from '@nestjs/platform-express';
import type { Response } from 'express';
import { EventStream, type EventStreamPace, writeEventStream } from './event-stream.js';

/** Express, and handlers may return an {@link EventStream}: so the interceptors around them see it, too. */
export class StreamingAdapter extends ExpressAdapter {
  constructor(private readonly pace: EventStreamPace) {
    super();
  }

  override reply(response: Response, body: unknown, statusCode?: number): unknown {
    if (!(body instanceof EventStream)) return super.reply(response, body, statusCode) as unknown;
    if (statusCode !== undefined) response.status(statusCode);
    return writeEventStream(response, body, this.pace);
  }
}

import type { CallEvent, StreamedChat } from '../../jobs/job-calls.types.js';
import type { ResponsesRequest } from '../dto/responses.request.js';
import { beginResponse } from './answer.js';
import { ResponseEvents } from './stream-events.js';

/** The frames of a streamed response, those of one read at a time. The last one says how it ended. */
export async function* responseFrames(request: ResponsesRequest, call: StreamedChat): AsyncIterable<string> {
  const events = new ResponseEvents(call.callId, beginResponse(request, call));
  yield events.begin();
  for await (const batch of call.events) {
    const frames = batch.map((event) => toFrames(events, event)).join('');
    if (frames !== '') yield frames;
  }
}

function toFrames(events: ResponseEvents, event: CallEvent): string {
  switch (event.kind) {
    case 'chunk':
      return event.chunk.choices.map((choice) => events.add(choice)).join('');
    case 'end':
      return events.end(event.usage);
    case 'failed':
      return events.fail(event.error);
  }
}

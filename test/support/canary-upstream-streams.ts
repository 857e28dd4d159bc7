import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { CONTENT, MARKERS } from './canary-markers.js';
import {
  choiceOf,
  envelope,
  errorBody,
  finishOf,
  htmlPage,
  logprobsOf,
  piecesOf,
  toolCallOf,
  UPSTREAM_HEADERS,
  type UpstreamAsked,
  usageOf,
} from './canary-upstream-answers.js';

const NOISE =
  `: ${MARKERS.header} ping of ${MARKERS.host}\n\n` +
  `event: ${MARKERS.field}\nid: ${MARKERS.id}\nretry: 7\n${MARKERS.field}: ${MARKERS.field}\n`;

/** How a stream may end that has begun well. */
const BREAKS: Readonly<Record<string, (response: ServerResponse) => void>> = {
  'late-error': (response) => response.end(`data: ${JSON.stringify(errorBody('', '500'))}\n\n`),
  'late-named-error': (response) => response.end(`event: error\ndata: ${JSON.stringify(errorBody())}\n\n`),
  'late-text-error': (response) => response.end(`data: {"error":"${MARKERS.error} ${MARKERS.key}"}\n\n`),
  'late-malformed': (response) => response.end(`data: {"${MARKERS.error}":\n\n`),
  'late-page': (response) => response.end(`data: ${htmlPage()}\n\n`),
  'late-large': (response) => response.end(`data: {"x":"${MARKERS.error.repeat(2_000)}"}\n\n`),
  'late-cut': (response) => response.end(),
  'late-reset': (response) => response.socket?.resetAndDestroy(),
  'late-silence': () => undefined,
};

export function isMidStreamFailure(behaviour: string): boolean {
  return behaviour in BREAKS;
}

export const MID_STREAM_FAILURES: readonly string[] = Object.keys(BREAKS);

/** Answers with server-sent events that carry a mark wherever they have room for one. */
export async function streamAnswer(
  response: ServerResponse,
  asked: UpstreamAsked,
  behaviour: string,
): Promise<void> {
  response.writeHead(200, `${MARKERS.header} reason`, {
    ...UPSTREAM_HEADERS,
    'content-type': `text/event-stream; charset=utf-8`,
    trailer: `x-${MARKERS.header}-trailer`,
  });
  if (behaviour === 'first-error') {
    response.end(frame(errorBody('', '500')));
    return;
  }
  if (behaviour === 'empty-stream') {
    response.end(`${NOISE}data: [DONE]\n\n`);
    return;
  }
  response.write(beginning(asked, behaviour));
  const breakOff = BREAKS[behaviour];
  if (breakOff !== undefined) {
    // A reset would overtake what has not been read yet.
    await sleep(50);
    breakOff(response);
    return;
  }
  response.write(ending(asked, behaviour));
  response.addTrailers({ [`x-${MARKERS.header}-trailer`]: MARKERS.header });
  response.end(`: ${MARKERS.header} goodbye\n\n`);
}

function beginning(asked: UpstreamAsked, behaviour: string): string {
  const [tool] = asked.tools ?? [];
  const role = behaviour === 'odd' ? MARKERS.field : 'assistant';
  const first = chunk([choiceOf({ role, content: '' }, null)]);
  if (behaviour === 'refusal') return first + chunk([choiceOf({ refusal: CONTENT }, null)]);
  if (tool !== undefined) {
    return first + chunk([choiceOf({ tool_calls: [toolCallOf(tool.function.name)] }, null)]);
  }
  const thought = chunk([choiceOf({ reasoning_content: CONTENT }, null)]);
  const pieces = piecesOf(asked, behaviour).map((content) =>
    chunk([choiceOf({ content }, null, logprobsOf(asked))]),
  );
  return first + thought + pieces.join('');
}

function ending(asked: UpstreamAsked, behaviour: string): string {
  const finish = chunk([choiceOf({}, finishOf(asked, behaviour))]);
  return `${finish}${chunk([], usageOf(behaviour))}data: [DONE]\n\n`;
}

function chunk(choices: readonly object[], others: object = {}): string {
  return frame({ ...envelope('chat.completion.chunk'), choices, ...others });
}

function frame(value: object): string {
  return `${NOISE}data: ${JSON.stringify(value)}\n\n`;
}

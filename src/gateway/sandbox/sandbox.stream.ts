import { type Bill, streamedUsage } from './sandbox.bill.js';
import { type Choice, type Completion } from './sandbox.completion.js';
import { WORDS_PER_CHUNK } from './sandbox.content.js';
import { type SandboxErrorBody } from './sandbox.errors.js';
import { type FaultPlan } from './sandbox.faults.js';
import { type TokenLogprob } from './sandbox.logprobs.js';
import { wordsOf } from './sandbox.text.js';
import { type ToolCall } from './sandbox.tool-calls.js';

/** What a stream is made of. */
export interface StreamSource {
  readonly id: string;
  readonly createdSeconds: number;
  readonly model: string;
  readonly completion: Completion;
  readonly bill: Bill;
  readonly isUsageIncluded: boolean;
  readonly plan: FaultPlan;
  /** Written in the middle where the plan ends in a late error. */
  readonly lateError: SandboxErrorBody;
}

/** What is new in one chunk of one choice. */
interface Step {
  readonly index: number;
  readonly delta: object;
  readonly logprobs?: { readonly content: readonly TokenLogprob[] } | undefined;
  readonly finishReason: string | null;
  readonly hasContent: boolean;
}

/** The last frame of a whole stream. */
export const DONE = '[DONE]';

const ARGUMENTS_PER_CHUNK = 12;
const TOKENS_PER_CHUNK = 3;

/**
 * What the frames of a stream hold, up to where its ending lets it come: all of it, or what is before the
 * middle. Written one by one, since a thousand streams that wait should not hold their texts in JSON too.
 */
export function* payloadsOf(source: StreamSource): Generator<string, void, void> {
  const { plan, completion, bill } = source;
  const head = headOf(source);
  const steps = interleave(completion.choices.map((choice, index) => stepsOf(choice, index, plan)));
  const middle = middleOf(steps.length, completion.choices.length);
  const early = plan.isUsageEarly
    ? Math.max(
        steps.findIndex(({ hasContent }) => hasContent),
        0,
      )
    : -1;
  const last = steps.length - 1;
  for (const [position, step] of steps.entries()) {
    if (position === middle && endsInTheMiddle(plan)) {
      if (plan.ending?.kind === 'late-error') yield JSON.stringify(source.lateError);
      return;
    }
    const isUsageHere = plan.isUsageEarly ? position === early : position === last && bill.place === 'x_groq';
    const usage = isUsageHere ? usageMember(source) : '';
    const payload = `${head}${choicesMember(step, plan)}${usage}}`;
    // Without its last brace it is no JSON any more, though the frame around it is whole.
    yield position === middle && plan.ending?.kind === 'malformed' ? payload.slice(0, -1) : payload;
  }
  if (plan.isUsageEarly) yield `${head},"choices":[]}`;
  else if (source.isUsageIncluded && bill.place === 'usage' && !plan.isUsageOmitted) {
    const choices = plan.hasUsageChoice ? '{"index":0,"delta":{}}' : '';
    yield `${head},"choices":[${choices}]${usageMember(source)}}`;
  }
  if (!plan.isDoneOmitted) yield DONE;
}

/** The beginning of every chunk, without the brace that ends it. */
function headOf({ id, createdSeconds, model }: StreamSource): string {
  const head = { id, object: 'chat.completion.chunk', created: createdSeconds, model };
  return JSON.stringify(head).slice(0, -1);
}

/** Behind the roles and at least one piece of content, where there is one. */
function middleOf(steps: number, choices: number): number {
  return Math.min(Math.max(Math.floor(steps / 2), choices + 1), steps - 1);
}

function endsInTheMiddle({ ending }: FaultPlan): boolean {
  return ending !== null && ['cut', 'reset-mid', 'hang-body', 'late-error'].includes(ending.kind);
}

function choicesMember({ index, delta, logprobs, finishReason }: Step, { choices }: FaultPlan): string {
  if (choices === 'absent') return '';
  const choice = {
    index,
    delta,
    ...(logprobs === undefined ? {} : { logprobs }),
    finish_reason: finishReason,
  };
  return `,"choices":[${JSON.stringify(choice)}]`;
}

function usageMember({ bill, plan, id }: StreamSource): string {
  if (plan.isUsageOmitted) return '';
  const usage = streamedUsage(bill, plan);
  return bill.place === 'x_groq'
    ? `,"x_groq":${JSON.stringify({ id, usage })}`
    : `,"usage":${JSON.stringify(usage)}`;
}

/** The chunks of all choices in turn, as providers send them. */
function interleave(choices: readonly (readonly Step[])[]): Step[] {
  const longest = Math.max(...choices.map(({ length }) => length));
  return Array.from({ length: longest }, (_, position) => position).flatMap((position) =>
    choices.flatMap((steps) => steps[position] ?? []),
  );
}

function stepsOf(choice: Choice, index: number, { choices }: FaultPlan): Step[] {
  const step = (delta: object, hasContent = true): Step => ({ index, delta, finishReason: null, hasContent });
  const isEmpty = choices === 'null-content' || choice.text === null;
  const steps = [step({ role: 'assistant', content: isEmpty ? null : '' }, false)];
  if (choice.reasoning !== null) {
    steps.push(...piecesOf(choice.reasoning).map((piece) => step({ reasoning_content: piece })));
  }
  if (choices !== 'null-content') {
    steps.push(...choice.toolCalls.flatMap(callDeltas).map((delta) => step(delta)));
    steps.push(...contentSteps(choice).map((part) => ({ ...step(part.delta), logprobs: part.logprobs })));
  }
  steps.push({ ...step({}, false), finishReason: choice.finishReason });
  return steps;
}

function contentSteps({ text, logprobs }: Choice): Pick<Step, 'delta' | 'logprobs'>[] {
  if (logprobs !== null) return tokenSteps(logprobs);
  return piecesOf(text ?? '').map((content) => ({ delta: { content } }));
}

/** A few words for each chunk. */
function piecesOf(text: string): string[] {
  const words = wordsOf(text);
  const count = Math.ceil(words.length / WORDS_PER_CHUNK);
  return Array.from({ length: count }, (_, index) =>
    words.slice(index * WORDS_PER_CHUNK, (index + 1) * WORDS_PER_CHUNK).join(''),
  );
}

/** A few whole tokens for each chunk, which says what they are. A character that ends in the next chunk is sent there. */
function tokenSteps(logprobs: readonly TokenLogprob[]): Pick<Step, 'delta' | 'logprobs'>[] {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  const steps: Pick<Step, 'delta' | 'logprobs'>[] = [];
  for (let start = 0; start < logprobs.length; start += TOKENS_PER_CHUNK) {
    const group = logprobs.slice(start, start + TOKENS_PER_CHUNK);
    const bytes = Uint8Array.from(group.flatMap((token) => token.bytes));
    steps.push({ delta: { content: decoder.decode(bytes, { stream: true }) }, logprobs: { content: group } });
  }
  return steps;
}

/** The id and the name first, then the arguments in pieces. */
function callDeltas({ id, name, arguments: text }: ToolCall, index: number): object[] {
  const begin = { index, id, type: 'function', function: { name, arguments: '' } };
  const pieces = text.match(new RegExp(`.{1,${String(ARGUMENTS_PER_CHUNK)}}`, 'gsu')) ?? [];
  const rest = pieces.map((piece) => ({ index, function: { arguments: piece } }));
  return [begin, ...rest].map((call) => ({ tool_calls: [call] }));
}

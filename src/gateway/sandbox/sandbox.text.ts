import { createHash } from 'node:crypto';

/** What an answer's text depends on. The same values give the same text. */
export interface TextSource {
  /** The last message of the user; null where there is none. */
  readonly lastUserText: string | null;
  /** What a tool returned last, where the answer is about that. */
  readonly toolText?: string | null;
  /** The model asked for: never named in the text, not even where the user named it. */
  readonly model: string;
  /** Everything that may change the text: messages and sampling parameters, in a fixed order. */
  readonly seed: unknown;
}

/** Code points of the user's message that are quoted. */
const QUOTE_LENGTH = 80;

/** Looked at for the quote. A prompt may hold megabytes, and masking reads all it is given. */
const QUOTE_SOURCE_LENGTH = 2_000;

/** Families of models and their makers, with whatever version follows ("gpt-4o-mini", "claude-3.5"). */
const KNOWN_NAMES =
  /(?<![\p{L}\p{N}])(?:chat-?gpt|gpt|open-?ai|o[1-9]|claude|anthropic|text-embedding|gemini|gemma|google|vertex|mistral|mixtral|llama|azure|bedrock|deepseek|qwen|grok|cohere|litellm)(?:\p{N}[\p{L}\p{N}]*)?(?:[-_.:/@][\p{L}\p{N}]+)*(?![\p{L}\p{N}])/giu;

const OPENINGS = [
  'This answer comes from the sandbox, which writes its text without any network.',
  'You are reading a reply of the sandbox, made on this machine and nowhere else.',
  'The sandbox wrote this reply, so no request has left your computer.',
  'Here is a practice reply from the sandbox, the same for every equal question.',
];

const REFERENCES = [
  'You asked about "QUOTE", and that was received in full.',
  'Your last message reads "QUOTE", and it arrived without loss.',
  'The question was "QUOTE", which is taken here only as an example.',
  'It refers to what you wrote: "QUOTE".',
];

const TOOL_REFERENCE = 'A tool was called for this, and what it returned is "QUOTE".';

const WITHOUT_USER = 'There was no message of a user to refer to, only instructions.';

const BODIES = [
  'A real assistant would now weigh the details and name the points that matter most.',
  'A useful reply usually begins with the main point and adds the reasons afterwards.',
  'Longer tasks are easier to follow when they are split into a few clear steps.',
  'It helps to say which facts are certain and which are only likely.',
  'An example often explains more than another paragraph of theory.',
  'The same request will always lead to these same sentences.',
  'Numbers deserve a second look before anybody relies on them.',
  'What remains open can be settled with one further question.',
  'Short sentences keep the meaning clear for every reader.',
  'Each step can be checked on its own before the next one starts.',
];

const CLOSINGS = [
  'Connect a real upstream when you want a considered answer.',
  'With a real upstream in place, this text will be replaced by a genuine answer.',
  'That is all the sandbox can say about it.',
];

/** Prose of several sentences that says where it comes from and quotes the user's last message, shortened. */
export function composeText(source: TextSource): string {
  const digest = createHash('sha256').update(JSON.stringify(source.seed)).digest();
  const pick = (pool: readonly string[], position: number): string =>
    pool[(digest[position] ?? 0) % pool.length] ?? '';
  const isAboutTool = typeof source.toolText === 'string';
  const quote = quoteOf(source.toolText ?? source.lastUserText ?? '', source.model);
  const frame = isAboutTool ? TOOL_REFERENCE : pick(REFERENCES, 1);
  // A replacer function, because a text of the user such as "$&" is a pattern for String.replace.
  const reference = quote === '' && !isAboutTool ? WITHOUT_USER : frame.replace('QUOTE', () => quote);
  const bodies = [pick(BODIES, 2), pick(BODIES, 3), pick(BODIES, 4)];
  return [pick(OPENINGS, 0), reference, ...new Set(bodies), pick(CLOSINGS, 5)].join(' ');
}

/** Goes on with a text until it has that many words, or cuts it there; see {@link wordsOf}. */
export function textOfWords(text: string, count: number): string {
  const words = wordsOf(text);
  // The sentences come in their order, because only the length is asked for.
  const more = BODIES.flatMap((sentence) => wordsOf(` ${sentence}`));
  while (words.length < count) words.push(...more);
  return words.slice(0, count).join('');
}

/** A text in pieces of a word and the blanks before it; a run of more than 24 characters is several pieces. */
export function wordsOf(text: string): string[] {
  return text.match(/\s*\S{1,24}|\s+$/gu) ?? [];
}

/** What a model thinks before it answers: as many sentences. */
export function composeReasoning(seed: unknown, sentences: number): string {
  const [offset = 0] = createHash('sha256').update(JSON.stringify(seed)).digest();
  const thoughts = Array.from({ length: sentences }, (_, index) => {
    return `Step ${index + 1}: ${BODIES[(offset + index) % BODIES.length] ?? ''}`;
  });
  return thoughts.join(' ');
}

/** One line without names of models or makers, at most {@link QUOTE_LENGTH} code points and an ellipsis. */
function quoteOf(text: string, model: string): string {
  const line = text
    .slice(0, QUOTE_SOURCE_LENGTH)
    .toWellFormed()
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .trim();
  const masked = line.replace(wholeWord(model), '[name]').replace(KNOWN_NAMES, '[name]').replaceAll('"', "'");
  const points = Array.from(masked);
  return points.length <= QUOTE_LENGTH ? masked : `${points.slice(0, QUOTE_LENGTH).join('').trimEnd()}…`;
}

function wholeWord(word: string): RegExp {
  const literal = word.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
  return new RegExp(`(?<![\\p{L}\\p{N}])${literal}(?![\\p{L}\\p{N}])`, 'giu');
}

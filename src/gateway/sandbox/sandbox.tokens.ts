/** The tokenizer of gpt-4o and its kin (o200k_base), for every model name. */
export interface Tokenizer {
  /** Meant for short text: its time grows with the square of the longest unbroken run. */
  encode(text: string): number[];
  /** The text of tokens. A character of which the last tokens are missing is left out. */
  decode(tokens: readonly number[]): string;
  /** The bytes of one token, which may be a part of a character. */
  bytesOf(token: number): Uint8Array;
  /** The number of tokens of a text of any length. */
  count(text: string): number;
}

/** One message of a prompt, as far as it is counted. */
export interface CountedMessage {
  readonly role: string;
  readonly name: string | null;
  /** The text of the message, in its parts. */
  readonly texts: readonly string[];
  /** The names and arguments of the tools that it called. */
  readonly callTexts?: readonly string[];
  /** What its pictures and sounds take, in a fixed number for each. */
  readonly mediaTokens?: number;
}

/** OpenAI's documented overhead: "every message follows <|start|>{role/name}\n{content}<|end|>\n". */
const TOKENS_PER_MESSAGE = 3;
const TOKENS_PER_NAME = 1;
/** "Every reply is primed with <|start|>assistant<|message|>". */
const TOKENS_PRIMING_THE_REPLY = 3;

/** Characters of one kind in a row that are still counted as a whole. */
const MAX_RUN = 256;

/**
 * Merging an unbroken run takes the square of its length: 100,000 times the letter "a" blocked the event
 * loop for 13 seconds. Text is therefore cut inside runs of letters, blanks or signs that no prose
 * contains, which can add a token at each cut and leaves every other text exact.
 */
const LONG_RUN = new RegExp(
  `[\\p{L}\\p{M}]{${String(MAX_RUN)}}|\\s{${String(MAX_RUN)}}|[^\\s\\p{L}\\p{N}]{${String(MAX_RUN)}}`,
  'gu',
);

/** The texts of users are data: "<|endoftext|>" is seven ordinary tokens, not a refused special one. */
const ALL_TEXT_IS_ORDINARY = { disallowedSpecial: new Set<string>() };

let loading: Promise<Tokenizer> | undefined;

/** The tokenizer, loaded at the first use: its tables take about 200 ms, which a start should not pay. */
export function loadTokenizer(): Promise<Tokenizer> {
  loading ??= importTokenizer();
  return loading;
}

/**
 * The tokens of a prompt by OpenAI's documented way of counting for chat completions ("How to count tokens
 * with tiktoken"): 3 for a message, those of its role, content and name, 1 more for a name, 3 for the reply.
 * Calls of tools count as their names and arguments, which OpenAI documents nowhere.
 */
export function countPromptTokens(tokenizer: Tokenizer, messages: readonly CountedMessage[]): number {
  return messages.reduce((total, message) => {
    const nameTokens = message.name === null ? 0 : TOKENS_PER_NAME + tokenizer.count(message.name);
    const texts = [...message.texts, ...(message.callTexts ?? [])];
    const textTokens = texts.reduce((sum, text) => sum + tokenizer.count(text), message.mediaTokens ?? 0);
    return total + TOKENS_PER_MESSAGE + tokenizer.count(message.role) + nameTokens + textTokens;
  }, TOKENS_PRIMING_THE_REPLY);
}

async function importTokenizer(): Promise<Tokenizer> {
  const [{ countTokens, encode }, { default: vocabulary }] = await Promise.all([
    import('gpt-tokenizer/encoding/o200k_base'),
    import('gpt-tokenizer/bpeRanks/o200k_base'),
  ]);
  return {
    encode: (text) => encode(text, ALL_TEXT_IS_ORDINARY),
    decode: (tokens) => decode(tokens, vocabulary),
    bytesOf: (token) => bytesOf(token, vocabulary),
    count: (text) =>
      cutLongRuns(text).reduce((sum, piece) => sum + countTokens(piece, ALL_TEXT_IS_ORDINARY), 0),
  };
}

/**
 * Not the library's own decode: all its calls share one streaming decoder, so that half a character at the
 * end of one text comes out at the beginning of the next.
 */
function decode(tokens: readonly number[], vocabulary: readonly (string | number[])[]): string {
  const bytes = tokens.map((token) => bytesOf(token, vocabulary));
  // A stream that never ends keeps incomplete bytes to itself instead of writing a mark for them.
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(Buffer.concat(bytes), { stream: true });
}

function bytesOf(token: number, vocabulary: readonly (string | number[])[]): Uint8Array {
  const piece = vocabulary[token] ?? '';
  return typeof piece === 'string' ? Buffer.from(piece) : Uint8Array.from(piece);
}

function cutLongRuns(text: string): string[] {
  if (text.length < MAX_RUN) return [text];
  const pieces: string[] = [];
  let start = 0;
  for (const run of text.matchAll(LONG_RUN)) {
    const end = run.index + run[0].length;
    pieces.push(text.slice(start, end));
    start = end;
  }
  pieces.push(text.slice(start));
  return pieces;
}

import { createHash } from 'node:crypto';
import { type Tokenizer } from './sandbox.tokens.js';

export interface Logprob {
  readonly token: string;
  readonly logprob: number;
  readonly bytes: readonly number[];
}

/** One token of an answer, in OpenAI's shape. */
export interface TokenLogprob extends Logprob {
  readonly top_logprobs: readonly Logprob[];
}

const DECIMALS = 6;

/** Probabilities made up from the tokens: the same for equal texts, the written token always the likeliest. */
export function logprobsOf(tokenizer: Tokenizer, tokens: readonly number[], top: number): TokenLogprob[] {
  return tokens.map((token, position) => {
    const certainty = certaintyAt(token, position);
    const written = logprobOf(tokenizer, token, Math.log(certainty));
    const others = Array.from({ length: Math.max(top - 1, 0) }, (_, rank) =>
      // Half of what is left for each further rank, so that all together stay below one.
      logprobOf(tokenizer, otherToken(token, rank), Math.log((1 - certainty) / 2 ** (rank + 1))),
    );
    return { ...written, top_logprobs: top === 0 ? [] : [written, ...others] };
  });
}

/** From 0.6 to just below 1. */
function certaintyAt(token: number, position: number): number {
  const digest = createHash('sha256').update(`${token} ${position}`).digest();
  return 0.6 + (digest.readUInt16BE() / 65_536) * 0.39;
}

/** A neighbour in the vocabulary, never the token itself. */
function otherToken(token: number, rank: number): number {
  return token > 1_000 ? token - rank - 1 : token + rank + 1;
}

/** The text of a part of a character is its replacement, as OpenAI writes it; the bytes tell what it is. */
function logprobOf(tokenizer: Tokenizer, token: number, logprob: number): Logprob {
  const bytes = tokenizer.bytesOf(token);
  return {
    token: Buffer.from(bytes).toString('utf8'),
    logprob: Number(logprob.toFixed(DECIMALS)),
    bytes: [...bytes],
  };
}

import { JudgedBy } from './judged-by.js';

/** Refuses the number of tokens to tell where none are to be told, as the upstreams do. */
export function NeedsLogprobs(): PropertyDecorator {
  return JudgedBy('needsLogprobs', (_, { logprobs }) =>
    logprobs === true ? null : 'top_logprobs goes with logprobs: true only',
  );
}

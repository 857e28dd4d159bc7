import { MAX_KEYS_PER_OBJECT } from '../common/body-inspection.js';
import { isObject } from '../common/json-object.js';
import { JudgedBy } from './judged-by.js';

/** No object of any body has more keys. */
export const MAX_LOGIT_BIASES = MAX_KEYS_PER_OBJECT;
export const MAX_LOGIT_BIAS = 100;

/** A token id is a whole number, and as a key it is text. */
const TOKEN_ID_PATTERN = /^\d{1,9}$/;

/** How much likelier or unlikelier single tokens are made. */
export function IsLogitBias(): PropertyDecorator {
  return JudgedBy('isLogitBias', findLogitBiasProblem);
}

function findLogitBiasProblem(value: unknown): string | null {
  const isSound =
    isObject(value) &&
    Object.keys(value).length <= MAX_LOGIT_BIASES &&
    Object.entries(value).every(([token, bias]) => TOKEN_ID_PATTERN.test(token) && isBias(bias));
  if (isSound) return null;
  return `logit_bias must be an object of at most ${String(MAX_LOGIT_BIASES)} token ids with numbers from -${String(MAX_LOGIT_BIAS)} to ${String(MAX_LOGIT_BIAS)}`;
}

function isBias(value: unknown): boolean {
  return typeof value === 'number' && value >= -MAX_LOGIT_BIAS && value <= MAX_LOGIT_BIAS;
}

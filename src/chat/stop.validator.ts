import { isText } from './json-checks.js';
import { JudgedBy } from './judged-by.js';

export const MAX_STOPS = 4;

/** OpenAI's `stop`: one text, or one to four. */
export function IsStop(): PropertyDecorator {
  return JudgedBy('isStop', findStopProblem);
}

function findStopProblem(value: unknown): string | null {
  const isSound =
    isText(value) ||
    (Array.isArray(value) && value.length >= 1 && value.length <= MAX_STOPS && value.every(isText));
  return isSound ? null : `stop must be text, or an array of 1 to ${String(MAX_STOPS)} texts`;
}

import { isText } from './json-checks.js';
import { JudgedBy } from './judged-by.js';

export const MAX_STOPS = 4;

/** OpenAI's `stop`: one text, or one to four. An empty one would end every answer before it begins. */
export function IsStop(): PropertyDecorator {
  return JudgedBy('isStop', findStopProblem);
}

function findStopProblem(value: unknown): string | null {
  const isSound =
    isStopText(value) ||
    (Array.isArray(value) && value.length >= 1 && value.length <= MAX_STOPS && value.every(isStopText));
  return isSound
    ? null
    : `stop must be text, or an array of 1 to ${String(MAX_STOPS)} texts, none of them empty`;
}

function isStopText(value: unknown): boolean {
  return isText(value) && value !== '';
}

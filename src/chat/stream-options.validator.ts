import { isObject } from '../common/json-object.js';
import { findOtherField, isAbsent } from './json-checks.js';
import { JudgedBy } from './judged-by.js';

const FIELDS: ReadonlySet<string> = new Set(['include_usage']);

/** What a stream is to hold beside the text. */
export function IsStreamOptions(): PropertyDecorator {
  return JudgedBy('isStreamOptions', findStreamOptionsProblem);
}

function findStreamOptionsProblem(
  value: unknown,
  { stream }: Readonly<Record<string, unknown>>,
): string | null {
  if (!isObject(value)) return 'stream_options must be an object';
  const other = findOtherField(value, FIELDS);
  if (other !== null) return `stream_options.${other} is not a field of stream_options`;
  const { include_usage: includesUsage } = value;
  if (!isAbsent(includesUsage) && typeof includesUsage !== 'boolean') {
    return 'stream_options.include_usage must be true or false';
  }
  return stream === true ? null : 'stream_options goes with stream: true only';
}

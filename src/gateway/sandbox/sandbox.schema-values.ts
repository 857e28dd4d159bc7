import { invalidRequest, SandboxRefusal } from './sandbox.errors.js';
import { type JsonObject } from './sandbox.json.js';

const MAX_STRING_LENGTH = 100_000;

/** Numbers without bounds stay within two digits, as most things that are counted do. */
const SPREAD = 90;

const WORDS = [
  'amber',
  'basalt',
  'cedar',
  'delta',
  'ember',
  'fjord',
  'garnet',
  'harbor',
  'indigo',
  'juniper',
];

const DIGITS = 12;

/**
 * A string within the bounds or of the format of a schema.
 *
 * @param pick a number from 0 to 2^32 - 1 that decides which one
 */
export function stringFor(schema: JsonObject, pick: number): string {
  const formatted = formattedString(schema['format'], pick);
  if (formatted !== null) return formatted;
  const least = boundIn(schema, 'minLength') ?? 0;
  const most = boundIn(schema, 'maxLength') ?? Number.POSITIVE_INFINITY;
  if (least > MAX_STRING_LENGTH || least > most) {
    throw unusable(`No string has at least ${least} and at most ${most} characters here.`);
  }
  // The digits alone tell two choices apart where a short string has no room for the word.
  const text = `${String(pick % 100).padStart(2, '0')} ${WORDS[pick % WORDS.length] ?? ''} of the sandbox`;
  return text.padEnd(least, ' of the sandbox').slice(0, most);
}

/** A number within the bounds of a schema. */
export function numberFor(schema: JsonObject, pick: number, isWhole: boolean): number {
  const step = boundIn(schema, 'multipleOf') ?? (isWhole ? 1 : null);
  const [least, most] = [lowerBound(schema, step), upperBound(schema, step)];
  if (least > most) throw unusable('No number is within the bounds.');
  const wished = 1 + (pick % SPREAD);
  const near = Math.min(Math.max(wished, least), most);
  if (step === null) return near;
  const up = roundTo(Math.ceil(near / step) * step);
  const down = roundTo(Math.floor(near / step) * step);
  if (up <= most) return up;
  if (down >= least) return down;
  throw unusable('No number is within the bounds.');
}

/** An open bound is moved by one step, or by a hair where every number is allowed. */
function lowerBound(schema: JsonObject, step: number | null): number {
  const closed = boundIn(schema, 'minimum') ?? Number.NEGATIVE_INFINITY;
  const open = boundIn(schema, 'exclusiveMinimum');
  return open === null ? closed : Math.max(closed, open + hairAt(open, step));
}

function upperBound(schema: JsonObject, step: number | null): number {
  const closed = boundIn(schema, 'maximum') ?? Number.POSITIVE_INFINITY;
  const open = boundIn(schema, 'exclusiveMaximum');
  return open === null ? closed : Math.min(closed, open - hairAt(open, step));
}

function hairAt(bound: number, step: number | null): number {
  return Number.isInteger(step) && Number.isInteger(bound) ? 1 : Math.max(Math.abs(bound), 1) * 1e-9;
}

function roundTo(value: number): number {
  return Number(value.toPrecision(DIGITS));
}

function formattedString(format: unknown, pick: number): string | null {
  const day = String(1 + (pick % 28)).padStart(2, '0');
  const hex = pick.toString(16).padStart(8, '0');
  switch (format) {
    case 'date':
      return `2026-01-${day}`;
    case 'date-time':
      return `2026-01-${day}T09:30:00Z`;
    case 'time':
      return '09:30:00Z';
    case 'duration':
      return `P${1 + (pick % 28)}D`;
    case 'email':
      return `sandbox-${hex}@example.com`;
    case 'uuid':
      return `${hex}-0000-4000-8000-000000000000`;
    case 'uri':
      return `https://example.com/${hex}`;
    case 'hostname':
      return `sandbox-${hex}.example.com`;
    case 'ipv4':
      return `192.0.2.${pick % 256}`;
    case 'ipv6':
      return `2001:db8::${(pick % 65_536).toString(16)}`;
    default:
      return null;
  }
}

function boundIn(schema: JsonObject, name: string): number | null {
  const bound = schema[name];
  return typeof bound === 'number' ? bound : null;
}

function unusable(message: string): SandboxRefusal {
  return new SandboxRefusal(invalidRequest(message, 'schema'));
}

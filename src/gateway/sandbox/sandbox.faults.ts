import { FAULT_FORMS } from './sandbox.fault-forms.js';
import { type UsageShapeName } from './sandbox.usage-shapes.js';

/** How a request ends instead of with its normal answer. */
export type FaultEnding =
  | { readonly kind: 'status'; readonly status: number }
  | { readonly kind: 'rate-limit'; readonly retryAfterSeconds: number }
  | { readonly kind: 'hang' | 'hang-body' | 'reset' | 'reset-mid' | 'cut' | 'late-error' }
  | { readonly kind: 'malformed' | 'html' }
  | { readonly kind: 'invalid-model' | 'context-window' | 'content-policy' | 'bad-request' }
  | { readonly kind: 'auth' | 'provider-auth' };

/** One turn of a rotation. `ok` goes on to whatever else the request asks for. */
export type RotationStep =
  { readonly kind: 'status'; readonly status: number } | { readonly kind: 'ok' | 'hang' | 'reset' };

/** What is done to one request. */
export interface FaultPlan {
  /** Waited before anything is answered, in milliseconds. */
  readonly delayMs: number;
  /** Waited between the chunks of a stream, in milliseconds. */
  readonly chunkDelayMs: number;
  /** The number of chunks with content that an answer is long enough for; null for the usual text. */
  readonly chunks: number | null;
  /** The first `count` requests of a model name fail with `status`. */
  readonly first: { readonly count: number; readonly status: number } | null;
  /** The requests of a model name get these in turn, again from the beginning after the last. */
  readonly rotation: readonly RotationStep[] | null;
  readonly ending: FaultEnding | null;
  /** The cost in the header or in a stream's usage: the true one, none at all, or any text. */
  readonly cost: 'computed' | 'absent' | { readonly text: string };
  readonly isUsageOmitted: boolean;
  /** Usage on the first chunk with content, and a last chunk with neither choices nor usage. */
  readonly isUsageEarly: boolean;
  /** Usage at the end of a stream beside a choice without anything, as LiteLLM itself writes it. */
  readonly hasUsageChoice: boolean;
  /** Fixed usage in the shape of a provider; null for the usage that was counted. */
  readonly usageShape: UsageShapeName | null;
  readonly isDoneOmitted: boolean;
  readonly choices: 'normal' | 'absent' | 'null-content';
  /** Whether the text keeps to the JSON that `response_format` asks for. */
  readonly schema: 'kept' | 'missed' | 'broken';
  readonly hasPings: boolean;
  readonly hasCrlf: boolean;
  /** Whether writes end within frames and within characters. */
  readonly isSplit: boolean;
}

export type FaultReading =
  { readonly ok: true; readonly plan: FaultPlan } | { readonly ok: false; readonly message: string };

type Slot = keyof FaultPlan;
type EndingKind = FaultEnding['kind'];

const PREFIX = 'fault-';

export const NO_FAULTS: FaultPlan = {
  delayMs: 0,
  chunkDelayMs: 0,
  chunks: null,
  first: null,
  rotation: null,
  ending: null,
  cost: 'computed',
  isUsageOmitted: false,
  isUsageEarly: false,
  hasUsageChoice: false,
  usageShape: null,
  isDoneOmitted: false,
  choices: 'normal',
  schema: 'kept',
  hasPings: false,
  hasCrlf: false,
  isSplit: false,
};

/** Endings behind which the normal answer is written in part, so that changes of its body can be seen. */
const PARTIAL: readonly EndingKind[] = ['hang-body', 'cut', 'reset-mid', 'late-error'];

/** The endings that a change can be seen with. A slot that is not named here goes with all of them. */
const SEEN_WITH: ReadonlyMap<Slot, readonly EndingKind[]> = new Map<Slot, readonly EndingKind[]>([
  ['isUsageOmitted', PARTIAL],
  ['choices', PARTIAL],
  ['usageShape', PARTIAL],
  ['isUsageEarly', PARTIAL],
  ['schema', PARTIAL],
  ['chunkDelayMs', [...PARTIAL, 'malformed']],
  ['chunks', [...PARTIAL, 'malformed']],
  ['hasPings', [...PARTIAL, 'malformed']],
  ['hasCrlf', [...PARTIAL, 'malformed']],
  ['isSplit', [...PARTIAL, 'malformed']],
  ['isDoneOmitted', ['malformed']],
  ['hasUsageChoice', ['malformed']],
]);

/** Changes of which one would hide the other. */
const RIVALS: readonly (readonly [Slot, Slot])[] = [
  ['first', 'rotation'],
  ['isUsageOmitted', 'isUsageEarly'],
  ['isUsageOmitted', 'hasUsageChoice'],
  ['isUsageEarly', 'hasUsageChoice'],
  ['choices', 'schema'],
  ['choices', 'chunks'],
  ['schema', 'chunks'],
];

/** What only a stream has, by the word that asks for it. */
const OF_STREAMS: readonly (readonly [string, (plan: FaultPlan) => boolean])[] = [
  ['chunk-delay', ({ chunkDelayMs }) => chunkDelayMs > 0],
  ['late-error', ({ ending }) => ending?.kind === 'late-error'],
  ['no-done', ({ isDoneOmitted }) => isDoneOmitted],
  ['usage-early', ({ isUsageEarly }) => isUsageEarly],
  ['usage-choice', ({ hasUsageChoice }) => hasUsageChoice],
  ['pings', ({ hasPings }) => hasPings],
  ['crlf', ({ hasCrlf }) => hasCrlf],
  ['split', ({ isSplit }) => isSplit],
];

/**
 * The text that asks for faults, or null where nothing does. The header goes before the model's name, so
 * that a test can put one fault on any model; a model asks only if its name begins with `fault-`.
 */
export function faultTextOf(model: string, header: string | undefined): string | null {
  if (header !== undefined && header.trim() !== '') return header.trim();
  return model.startsWith(PREFIX) ? model : null;
}

/** The word of a fault that needs a stream, or null where the plan has none. */
export function streamFaultOf(plan: FaultPlan): string | null {
  return OF_STREAMS.find(([, isAsked]) => isAsked(plan))?.[0] ?? null;
}

/**
 * Reads faults joined with `+`, each with or without the prefix `fault-`. An unknown fault, a number out of
 * bounds and faults that exclude each other are refused, since a test that asks for them expects something
 * that would not happen.
 */
export function parseFaults(text: string): FaultReading {
  let plan = NO_FAULTS;
  const taken = new Map<Slot, string>();
  for (const part of text.split('+')) {
    const word = part.startsWith(PREFIX) ? part.slice(PREFIX.length) : part;
    const found = readWord(word);
    if (found === null) return { ok: false, message: unknownFault(word) };
    const rival = taken.get(found.slot);
    if (rival !== undefined) return { ok: false, message: excludedFaults(rival, word) };
    taken.set(found.slot, word);
    plan = { ...plan, ...found.change };
  }
  const rivals = rivalsIn(taken, plan.ending);
  return rivals === null ? { ok: true, plan } : { ok: false, message: excludedFaults(...rivals) };
}

/** Two words of which one would never be seen; null where all can be. */
function rivalsIn(taken: ReadonlyMap<Slot, string>, ending: FaultEnding | null): [string, string] | null {
  for (const [one, other] of RIVALS) {
    const words = [taken.get(one), taken.get(other)] as const;
    if (words[0] !== undefined && words[1] !== undefined) return [words[0], words[1]];
  }
  if (ending === null) return null;
  for (const [slot, endings] of SEEN_WITH) {
    const word = taken.get(slot);
    if (word !== undefined && !endings.includes(ending.kind)) return [word, taken.get('ending') ?? ''];
  }
  return null;
}

function readWord(word: string): { slot: Slot; change: Partial<FaultPlan> } | null {
  for (const form of FAULT_FORMS) {
    const match = form.pattern.exec(word);
    const change = match === null ? null : form.read(match[1] ?? '', match[2] ?? '');
    if (change !== null) return { slot: form.slot, change };
  }
  return null;
}

function unknownFault(word: string): string {
  const known = FAULT_FORMS.map(({ form }) => form).join(', ');
  return `Unknown fault "${word}". Known faults, joined with "+": ${known}.`;
}

function excludedFaults(one: string, other: string): string {
  return `The faults "${one}" and "${other}" exclude each other.`;
}

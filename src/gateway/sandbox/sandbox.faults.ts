/** How a request ends instead of with its normal answer. */
export type FaultEnding =
  | { readonly kind: 'status'; readonly status: number }
  | { readonly kind: 'rate-limit'; readonly retryAfterSeconds: number }
  | { readonly kind: 'hang' | 'hang-body' | 'reset' | 'cut' | 'malformed' | 'html' }
  | { readonly kind: 'invalid-model' | 'context-window' | 'content-policy' | 'bad-request' }
  | { readonly kind: 'auth' | 'provider-auth' };

/** What is done to one request. */
export interface FaultPlan {
  /** Waited before anything is answered, in milliseconds. */
  readonly delayMs: number;
  /** The first `count` requests of a model name fail with `status`. */
  readonly first: { readonly count: number; readonly status: number } | null;
  readonly ending: FaultEnding | null;
  /** The text of the cost header: the true cost, no header at all, or any text. */
  readonly cost: 'computed' | 'absent' | { readonly text: string };
  readonly isUsageOmitted: boolean;
  readonly choices: 'normal' | 'absent' | 'null-content';
}

export type FaultReading =
  { readonly ok: true; readonly plan: FaultPlan } | { readonly ok: false; readonly message: string };

type Slot = keyof FaultPlan;

/** One word of the grammar. `read` returns null where a number is out of its bounds. */
interface FaultForm {
  readonly form: string;
  readonly pattern: RegExp;
  readonly slot: Slot;
  readonly read: (first: string, second: string) => Partial<FaultPlan> | null;
}

const PREFIX = 'fault-';

export const MAX_DELAY_MS = 600_000;

export const NO_FAULTS: FaultPlan = {
  delayMs: 0,
  first: null,
  ending: null,
  cost: 'computed',
  isUsageOmitted: false,
  choices: 'normal',
};

/** `no-cost` stands before `cost-<text>` and `hang-body` is a word of its own: the patterns do not overlap. */
const FORMS: readonly FaultForm[] = [
  {
    form: 'status-<400 to 599>',
    pattern: /^status-([45]\d\d)$/,
    slot: 'ending',
    read: (status) => ({ ending: { kind: 'status', status: Number(status) } }),
  },
  {
    form: `delay-<milliseconds, at most ${MAX_DELAY_MS}>`,
    pattern: /^delay-(\d{1,6})$/,
    slot: 'delayMs',
    read: (delay) => (Number(delay) > MAX_DELAY_MS ? null : { delayMs: Number(delay) }),
  },
  {
    form: 'rate-limit-<seconds>',
    pattern: /^rate-limit-(\d{1,6})$/,
    slot: 'ending',
    read: (seconds) => ({ ending: { kind: 'rate-limit', retryAfterSeconds: Number(seconds) } }),
  },
  {
    form: 'first-<requests>-status-<400 to 599>',
    pattern: /^first-([1-9]\d{0,5})-status-([45]\d\d)$/,
    slot: 'first',
    read: (count, status) => ({ first: { count: Number(count), status: Number(status) } }),
  },
  {
    form: 'no-cost',
    pattern: /^no-cost$/,
    slot: 'cost',
    read: () => ({ cost: 'absent' }),
  },
  {
    form: 'cost-<text of a header>',
    // A header can carry printable ASCII only; anything else would make the answer itself impossible.
    pattern: /^cost-([\x20-\x7e]*)$/,
    slot: 'cost',
    read: (text) => ({ cost: { text } }),
  },
  {
    form: 'no-usage',
    pattern: /^no-usage$/,
    slot: 'isUsageOmitted',
    read: () => ({ isUsageOmitted: true }),
  },
  {
    form: 'no-choices',
    pattern: /^no-choices$/,
    slot: 'choices',
    read: () => ({ choices: 'absent' }),
  },
  {
    form: 'null-content',
    pattern: /^null-content$/,
    slot: 'choices',
    read: () => ({ choices: 'null-content' }),
  },
  ...(
    [
      'hang',
      'hang-body',
      'reset',
      'cut',
      'malformed',
      'html',
      'invalid-model',
      'context-window',
      'content-policy',
      'bad-request',
      'auth',
      'provider-auth',
    ] as const
  ).map((kind): FaultForm => ({
    form: kind,
    pattern: new RegExp(`^${kind}$`),
    slot: 'ending',
    read: () => ({ ending: { kind } }),
  })),
];

/**
 * The text that asks for faults, or null where nothing does. The header goes before the model's name, so
 * that a test can put one fault on any model; a model asks only if its name begins with `fault-`.
 */
export function faultTextOf(model: string, header: string | undefined): string | null {
  if (header !== undefined && header.trim() !== '') return header.trim();
  return model.startsWith(PREFIX) ? model : null;
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
  const bodyFault = taken.get('isUsageOmitted') ?? taken.get('choices');
  if (bodyFault !== undefined && plan.ending !== null && !endsWithinBody(plan.ending)) {
    return { ok: false, message: excludedFaults(bodyFault, taken.get('ending') ?? '') };
  }
  return { ok: true, plan };
}

/** Whether the normal answer is written, at least in part, so that changes of its body can be seen. */
function endsWithinBody(ending: FaultEnding): boolean {
  return ending.kind === 'hang-body' || ending.kind === 'cut';
}

function readWord(word: string): { slot: Slot; change: Partial<FaultPlan> } | null {
  for (const form of FORMS) {
    const match = form.pattern.exec(word);
    const change = match === null ? null : form.read(match[1] ?? '', match[2] ?? '');
    if (change !== null) return { slot: form.slot, change };
  }
  return null;
}

function unknownFault(word: string): string {
  const known = FORMS.map(({ form }) => form).join(', ');
  return `Unknown fault "${word}". Known faults, joined with "+": ${known}.`;
}

function excludedFaults(one: string, other: string): string {
  return `The faults "${one}" and "${other}" exclude each other.`;
}

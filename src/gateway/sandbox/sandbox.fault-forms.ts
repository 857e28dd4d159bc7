import { type FaultPlan, type RotationStep } from './sandbox.faults.js';
import { isUsageShapeName, USAGE_SHAPE_NAMES } from './sandbox.usage-shapes.js';

/** One word of the grammar. `read` returns null where a number is out of its bounds. */
export interface FaultForm {
  readonly form: string;
  readonly pattern: RegExp;
  readonly slot: keyof FaultPlan;
  readonly read: (first: string, second: string) => Partial<FaultPlan> | null;
}

const MAX_DELAY_MS = 600_000;

/** Of an answer with a chosen number of chunks: at a few words each this is a text of 200 KB. */
const MAX_CHUNKS = 10_000;

/** A word that takes nothing and changes one thing. */
function word<Slot extends keyof FaultPlan>(form: string, slot: Slot, value: FaultPlan[Slot]): FaultForm {
  return { form, pattern: new RegExp(`^${form}$`), slot, read: () => ({ [slot]: value }) };
}

const ENDINGS = [
  'hang',
  'hang-body',
  'reset',
  'reset-mid',
  'cut',
  'late-error',
  'malformed',
  'html',
  'invalid-model',
  'context-window',
  'content-policy',
  'bad-request',
  'auth',
  'provider-auth',
] as const;

/** `no-cost` stands before `cost-<text>` and `hang-body` is a word of its own: the patterns do not overlap. */
export const FAULT_FORMS: readonly FaultForm[] = [
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
    form: `chunk-delay-<milliseconds, at most ${MAX_DELAY_MS}>`,
    pattern: /^chunk-delay-(\d{1,6})$/,
    slot: 'chunkDelayMs',
    read: (delay) => (Number(delay) > MAX_DELAY_MS ? null : { chunkDelayMs: Number(delay) }),
  },
  {
    form: `chunks-<number, at most ${MAX_CHUNKS}>`,
    pattern: /^chunks-([1-9]\d{0,4})$/,
    slot: 'chunks',
    read: (chunks) => (Number(chunks) > MAX_CHUNKS ? null : { chunks: Number(chunks) }),
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
    form: 'rotate-<400 to 599, ok, hang or reset>-<…>',
    pattern: /^rotate-((?:[45]\d\d|ok|hang|reset)(?:-(?:[45]\d\d|ok|hang|reset))*)$/,
    slot: 'rotation',
    read: (steps) => ({ rotation: steps.split('-').map(readStep) }),
  },
  word('no-cost', 'cost', 'absent'),
  {
    form: 'cost-<text of a header>',
    // A header can carry printable ASCII only; anything else would make the answer itself impossible.
    pattern: /^cost-([\x20-\x7e]*)$/,
    slot: 'cost',
    read: (text) => ({ cost: { text } }),
  },
  {
    form: `usage-<${USAGE_SHAPE_NAMES.join(', ')}>`,
    pattern: /^usage-(.+)$/,
    slot: 'usageShape',
    read: (name) => (isUsageShapeName(name) ? { usageShape: name } : null),
  },
  word('usage-early', 'isUsageEarly', true),
  word('usage-choice', 'hasUsageChoice', true),
  word('no-usage', 'isUsageOmitted', true),
  word('no-done', 'isDoneOmitted', true),
  word('no-choices', 'choices', 'absent'),
  word('null-content', 'choices', 'null-content'),
  word('schema-miss', 'schema', 'missed'),
  word('schema-broken', 'schema', 'broken'),
  word('pings', 'hasPings', true),
  word('crlf', 'hasCrlf', true),
  word('split', 'isSplit', true),
  ...ENDINGS.map((kind) => word(kind, 'ending', { kind })),
];

function readStep(step: string): RotationStep {
  switch (step) {
    case 'ok':
      return { kind: 'ok' };
    case 'hang':
      return { kind: 'hang' };
    case 'reset':
      return { kind: 'reset' };
    default:
      return { kind: 'status', status: Number(step) };
  }
}

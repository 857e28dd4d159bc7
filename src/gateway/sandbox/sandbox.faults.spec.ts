import { describe, expect, it } from '@jest/globals';
import { type FaultPlan, faultTextOf, NO_FAULTS, parseFaults, streamFaultOf } from './sandbox.faults.js';

const PLANS: [string, Partial<FaultPlan>][] = [
  ['fault-status-429', { ending: { kind: 'status', status: 429 } }],
  ['fault-status-400', { ending: { kind: 'status', status: 400 } }],
  ['fault-status-599', { ending: { kind: 'status', status: 599 } }],
  ['fault-delay-500', { delayMs: 500 }],
  ['fault-delay-0', { delayMs: 0 }],
  ['fault-delay-600000', { delayMs: 600_000 }],
  ['fault-delay-50+status-500', { delayMs: 50, ending: { kind: 'status', status: 500 } }],
  ['fault-delay-50+fault-status-500', { delayMs: 50, ending: { kind: 'status', status: 500 } }],
  ['status-500+delay-50', { delayMs: 50, ending: { kind: 'status', status: 500 } }],
  ['fault-hang', { ending: { kind: 'hang' } }],
  ['fault-hang-body', { ending: { kind: 'hang-body' } }],
  ['fault-reset', { ending: { kind: 'reset' } }],
  ['fault-cut', { ending: { kind: 'cut' } }],
  ['fault-malformed', { ending: { kind: 'malformed' } }],
  ['fault-html', { ending: { kind: 'html' } }],
  ['fault-invalid-model', { ending: { kind: 'invalid-model' } }],
  ['fault-context-window', { ending: { kind: 'context-window' } }],
  ['fault-content-policy', { ending: { kind: 'content-policy' } }],
  ['fault-bad-request', { ending: { kind: 'bad-request' } }],
  ['fault-auth', { ending: { kind: 'auth' } }],
  ['fault-provider-auth', { ending: { kind: 'provider-auth' } }],
  ['fault-rate-limit-7', { ending: { kind: 'rate-limit', retryAfterSeconds: 7 } }],
  ['fault-rate-limit-0', { ending: { kind: 'rate-limit', retryAfterSeconds: 0 } }],
  ['fault-first-2-status-503', { first: { count: 2, status: 503 } }],
  ['fault-no-usage', { isUsageOmitted: true }],
  ['fault-no-choices', { choices: 'absent' }],
  ['fault-null-content', { choices: 'null-content' }],
  ['fault-no-cost', { cost: 'absent' }],
  ['fault-cost-NaN', { cost: { text: 'NaN' } }],
  ['fault-cost--1', { cost: { text: '-1' } }],
  ['fault-cost-7.5e-08', { cost: { text: '7.5e-08' } }],
  ['fault-cost-', { cost: { text: '' } }],
  ['fault-no-cost+no-usage', { cost: 'absent', isUsageOmitted: true }],
  ['fault-cost-5+status-500', { cost: { text: '5' }, ending: { kind: 'status', status: 500 } }],
  [
    'fault-first-1-status-500+status-400',
    { first: { count: 1, status: 500 }, ending: { kind: 'status', status: 400 } },
  ],
  ['fault-chunk-delay-100', { chunkDelayMs: 100 }],
  ['fault-chunks-200', { chunks: 200 }],
  ['fault-chunks-10000+chunk-delay-600000', { chunks: 10_000, chunkDelayMs: 600_000 }],
  ['fault-reset-mid', { ending: { kind: 'reset-mid' } }],
  ['fault-late-error', { ending: { kind: 'late-error' } }],
  ['fault-no-done', { isDoneOmitted: true }],
  ['fault-usage-early', { isUsageEarly: true }],
  ['fault-usage-early+cut', { isUsageEarly: true, ending: { kind: 'cut' } }],
  ['fault-usage-choice', { hasUsageChoice: true }],
  ['fault-usage-anthropic-native', { usageShape: 'anthropic-native' }],
  ['fault-usage-groq+no-cost', { usageShape: 'groq', cost: 'absent' }],
  ['fault-schema-miss', { schema: 'missed' }],
  ['fault-schema-broken', { schema: 'broken' }],
  ['fault-pings+crlf+split', { hasPings: true, hasCrlf: true, isSplit: true }],
  ['fault-malformed+pings', { hasPings: true, ending: { kind: 'malformed' } }],
  ['fault-malformed+no-done', { isDoneOmitted: true, ending: { kind: 'malformed' } }],
  ['fault-rotate-ok', { rotation: [{ kind: 'ok' }] }],
  [
    'fault-rotate-429-503-ok-hang-reset',
    {
      rotation: [
        { kind: 'status', status: 429 },
        { kind: 'status', status: 503 },
        { kind: 'ok' },
        { kind: 'hang' },
        { kind: 'reset' },
      ],
    },
  ],
  ['fault-cut+no-usage', { ending: { kind: 'cut' }, isUsageOmitted: true }],
];

describe('the grammar of faults', () => {
  it.each(PLANS)('reads %s', (text, expected) => {
    expect(parseFaults(text)).toEqual({ ok: true, plan: { ...NO_FAULTS, ...expected } });
  });

  it.each([
    ['fault-', ''],
    ['fault-nonsense', 'nonsense'],
    ['fault-HANG', 'HANG'],
    ['fault-hang ', 'hang '],
    ['fault-status-200', 'status-200'],
    ['fault-status-600', 'status-600'],
    ['fault-status-', 'status-'],
    ['fault-delay-600001', 'delay-600001'],
    ['fault-delay--1', 'delay--1'],
    ['fault-delay-1.5', 'delay-1.5'],
    ['fault-rate-limit-soon', 'rate-limit-soon'],
    ['fault-first-0-status-500', 'first-0-status-500'],
    ['fault-first-2', 'first-2'],
    ['fault-chunk-delay-600001', 'chunk-delay-600001'],
    ['fault-chunks-0', 'chunks-0'],
    ['fault-chunks-10001', 'chunks-10001'],
    ['fault-rotate-', 'rotate-'],
    ['fault-rotate-200', 'rotate-200'],
    ['fault-rotate-429-', 'rotate-429-'],
    ['fault-rotate-cut', 'rotate-cut'],
    ['fault-usage-nobody', 'usage-nobody'],
    ['fault-cost-\n', 'cost-\n'],
    ['fault-cost-1e+5', '5'],
    ['fault-hang+', ''],
  ])('refuses %j and lists what it knows', (text, word) => {
    const reading = parseFaults(text);

    const message = reading.ok ? '' : reading.message;
    expect(message).toContain(`Unknown fault "${word}".`);
    const known = [
      'status-<',
      'delay-<',
      'first-<',
      'rate-limit-<',
      'cost-<',
      'no-cost',
      'no-usage',
      'hang-body',
    ];
    for (const form of [
      ...known,
      'reset',
      'cut',
      'malformed',
      'html',
      'no-choices',
      'null-content',
      'auth',
    ]) {
      expect(message).toContain(form);
    }
  });

  it.each([
    ['fault-status-500+hang', 'status-500', 'hang'],
    ['fault-status-500+status-500', 'status-500', 'status-500'],
    ['fault-delay-1+delay-2', 'delay-1', 'delay-2'],
    ['fault-no-cost+cost-1', 'no-cost', 'cost-1'],
    ['fault-no-choices+null-content', 'no-choices', 'null-content'],
    ['fault-no-usage+status-500', 'no-usage', 'status-500'],
    ['fault-first-1-status-500+rotate-ok', 'first-1-status-500', 'rotate-ok'],
    ['fault-no-usage+usage-early', 'no-usage', 'usage-early'],
    ['fault-usage-choice+usage-early', 'usage-early', 'usage-choice'],
    ['fault-no-usage+usage-choice', 'no-usage', 'usage-choice'],
    ['fault-usage-choice+cut', 'usage-choice', 'cut'],
    ['fault-chunks-9+no-choices', 'no-choices', 'chunks-9'],
    ['fault-schema-miss+chunks-9', 'schema-miss', 'chunks-9'],
    ['fault-schema-miss+null-content', 'null-content', 'schema-miss'],
    ['fault-chunk-delay-9+hang', 'chunk-delay-9', 'hang'],
    ['fault-pings+status-500', 'pings', 'status-500'],
    ['fault-split+html', 'split', 'html'],
    ['fault-no-done+cut', 'no-done', 'cut'],
    ['fault-late-error+no-done', 'no-done', 'late-error'],
    ['fault-cut+reset-mid', 'cut', 'reset-mid'],
    ['fault-usage-openai+auth', 'usage-openai', 'auth'],
    ['fault-html+null-content', 'null-content', 'html'],
  ])('refuses %s, of which one part would never be seen', (text, one, other) => {
    expect(parseFaults(text)).toEqual({
      ok: false,
      message: `The faults "${one}" and "${other}" exclude each other.`,
    });
  });
});

describe('a fault that only a stream has', () => {
  it.each([
    ['chunk-delay-5', 'chunk-delay'],
    ['late-error', 'late-error'],
    ['no-done', 'no-done'],
    ['usage-early', 'usage-early'],
    ['usage-choice', 'usage-choice'],
    ['pings', 'pings'],
    ['crlf', 'crlf'],
    ['split', 'split'],
    ['delay-5+cut', null],
    ['chunks-5', null],
    ['malformed', null],
  ])('in %s is %s', (text, expected) => {
    const reading = parseFaults(text);
    expect(reading.ok && streamFaultOf(reading.plan)).toBe(expected);
  });
});

describe('where a fault is asked for', () => {
  it.each([
    ['gpt-4o', undefined, null],
    ['gpt-4o', '', null],
    ['gpt-4o', '  ', null],
    ['my-fault-hang', undefined, null],
    ['fault-hang', undefined, 'fault-hang'],
    ['gpt-4o', 'status-500', 'status-500'],
    ['gpt-4o', ' fault-hang ', 'fault-hang'],
    ['fault-hang', 'status-500', 'status-500'],
  ])('for model %s and header %j is %j', (model, header, expected) => {
    expect(faultTextOf(model, header)).toBe(expected);
  });
});

import { parseCostUsd } from '../common/money.js';
import type { Cost, CostSource } from './gateway.types.js';
import { isObject } from '../common/json-object.js';

/** Nothing left this machine, so nothing was spent. */
export const COST_OF_NOTHING_SENT: Cost = { costUsd: '0', source: 'not_sent', text: null };

/** Something may have been spent, and nobody said how much. */
export const UNKNOWN_COST: Cost = { costUsd: null, source: 'unpriced', text: null };

/** More than any cost is long; the rest is of no use to an audit. */
const MAX_TEXT_LENGTH = 128;

/**
 * The cost an upstream reported in LiteLLM's `x-litellm-response-cost`. Its absence means unknown: the
 * proxy leaves the header out where it has no price.
 */
export function costFromHeader(header: string | null): Cost {
  return header === null ? UNKNOWN_COST : costOf(header, 'upstream_header');
}

/**
 * The cost that an upstream wrote into the usage of its answer, as LiteLLM does in streams: a number, a text,
 * or an object that has the sum of its parts as `total_cost`.
 */
export function costFromUsage(usage: unknown): Cost {
  const cost = isObject(usage) ? usage['cost'] : undefined;
  const amount = isObject(cost) ? (cost['total_cost'] ?? cost) : cost;
  if (amount === undefined || amount === null) return UNKNOWN_COST;
  if (typeof amount === 'string') return costOf(amount, 'upstream_usage');
  return costOf(typeof amount === 'number' ? String(amount) : JSON.stringify(amount), 'upstream_usage');
}

/** The cost of an answer that came whole: what the header says, else what the usage says. */
export function costOfAnswer(fromHeader: Cost, usage: unknown): Cost {
  return fromHeader.source === 'unpriced' ? costFromUsage(usage) : fromHeader;
}

/**
 * The zero that LiteLLM writes with every error is no cost where a provider may have worked: it is taken for
 * unknown, with its text kept.
 */
export function withoutZero(cost: Cost): Cost {
  return cost.costUsd === '0' && cost.source === 'upstream_header'
    ? { ...UNKNOWN_COST, text: cost.text }
    : cost;
}

function costOf(text: string, source: CostSource): Cost {
  const costUsd = parseCostUsd(text.trim());
  return { costUsd, source: costUsd === null ? 'refused' : source, text: text.slice(0, MAX_TEXT_LENGTH) };
}

import { type FaultPlan } from './sandbox.faults.js';
import { exactNumber } from './sandbox.json.js';
import { costUsdOf, costUsdOfBuckets } from './sandbox.prices.js';
import { hasCostObject, USAGE_SHAPES, type UsageShape, type UsageShapeName } from './sandbox.usage-shapes.js';

/** What a provider would charge for an answer, and how it says so. */
export interface Bill {
  readonly usage: object;
  /** Plain decimal text, exact. */
  readonly costUsd: string;
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly place: UsageShape['place'];
  /** Whether the usage tells the cost by itself, as an object. */
  readonly isCostObject: boolean;
}

interface CountedUsage {
  readonly prompt_tokens: number;
  readonly completion_tokens?: number;
}

/** The bill of what was counted, or the fixed one of a provider's shape. */
export function billOf(model: string, usage: CountedUsage, shape: UsageShapeName | null): Bill {
  if (shape !== null) return billOfShape(USAGE_SHAPES[shape]);
  const { prompt_tokens: promptTokens, completion_tokens: completionTokens = 0 } = usage;
  return {
    usage,
    costUsd: costUsdOf(model, promptTokens, completionTokens),
    promptTokens,
    completionTokens,
    place: 'usage',
    isCostObject: false,
  };
}

/** The cost in a header: the true one, another text, or none. */
export function costHeader({ cost }: Pick<FaultPlan, 'cost'>, costUsd: string): string | null {
  if (cost === 'absent') return null;
  return cost === 'computed' ? costUsd : cost.text;
}

/** The usage of a stream: LiteLLM adds the cost there, because the headers were sent before it was known. */
export function streamedUsage(bill: Bill, { cost }: Pick<FaultPlan, 'cost'>): object {
  if (cost === 'absent') return { ...bill.usage, cost: undefined };
  if (cost !== 'computed') return { ...bill.usage, cost: exactNumber(cost.text) };
  return bill.isCostObject ? bill.usage : { ...bill.usage, cost: exactNumber(bill.costUsd) };
}

function billOfShape(shape: UsageShape): Bill {
  const { truth, usage, place } = shape;
  return {
    usage,
    costUsd: costUsdOfBuckets(truth),
    promptTokens:
      truth.uncachedInput + truth.cacheRead + truth.cacheWrite + truth.audioInput + truth.imageInput,
    completionTokens: truth.output + truth.reasoning + truth.audioOutput,
    place,
    isCostObject: hasCostObject(shape),
  };
}

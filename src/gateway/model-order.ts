import type { CallPlan, CandidateModel } from './gateway.types.js';

/**
 * The order in which models are tried: by priority, and among equals by a draw in which each has its weight.
 * Models that must wait are left out while others need not.
 *
 * @param waitMs how long a model must not be tried; 0 if it may be
 * @param random from 0 to 1, without 1
 */
export function planCall(
  models: readonly CandidateModel[],
  waitMs: (modelName: string) => number,
  random: () => number,
): CallPlan {
  const waits = models.map(({ modelName }) => waitMs(modelName));
  const ready = models.filter((_, position) => waits[position] === 0);
  if (ready.length === 0 && models.length > 0) return { kind: 'resting', retryAfterMs: Math.min(...waits) };
  const priorities = [...new Set(ready.map(({ priority }) => priority))].sort((left, right) => left - right);
  const modelNames = priorities.flatMap((priority) =>
    draw(
      ready.filter((model) => model.priority === priority),
      random,
    ),
  );
  return { kind: 'ready', modelNames };
}

function draw(models: readonly CandidateModel[], random: () => number): string[] {
  const left = [...models];
  const drawn: string[] = [];
  while (left.length > 0) {
    const [model] = left.splice(positionOf(left, random()), 1);
    if (model !== undefined) drawn.push(model.modelName);
  }
  return drawn;
}

/** Where a point between 0 and 1 falls, if each model has a stretch as long as its weight. */
function positionOf(models: readonly CandidateModel[], point: number): number {
  let rest = point * models.reduce((sum, { weight }) => sum + weight, 0);
  const position = models.findIndex(({ weight }) => {
    rest -= weight;
    return rest < 0;
  });
  // A sum of fractions may miss the end by a hair.
  return position === -1 ? models.length - 1 : position;
}

// What customers pay and what is left of it: plain functions over the answers of the service.
//
// All amounts are whole picodollars in a BigInt: the service gives at most 12 decimals, so they hold every amount
// exactly, where sums of JavaScript's numbers would not.
const DECIMALS = 12;
const CENT = 10n ** BigInt(DECIMALS - 2);

const FLAT_RATES = new Map([
  ['document_analysis', 50n * CENT],
  ['chat_session', 10n * CENT],
  ['data_extraction', 25n * CENT],
]);
/** A job type without a rate pays twice its cost. */
const UNLISTED_FACTOR = 2n;
/** Half of the cost on top, which is a margin of a third. */
const MARKUP_PERCENT = 150n;
const STRATEGIES = ['flat', 'tiered', 'markup'];

/** The price of one job by its type. */
export function flatPrice(jobType, cost) {
  return FLAT_RATES.get(jobType) ?? cost * UNLISTED_FACTOR;
}

/** The price of one job by its size. */
export function tierPrice(tokens) {
  if (tokens < 1000) return 5n * CENT;
  return tokens < 5000 ? 15n * CENT : 30n * CENT;
}

/** A share on top of the cost, in whole cents. Half a cent is rounded up, as on an invoice. */
export function markupPrice(cost, percent = MARKUP_PERCENT) {
  return divideHalfUp(cost * percent, 100n * CENT) * CENT;
}

/** A number of the service's JSON. Its text is the shortest that means it, so no digit gets lost or made up. */
export function toPicos(usd) {
  const match = /^(\d+)(?:\.(\d+))?(?:e([+-]?\d+))?$/.exec(String(usd));
  if (match === null) throw new RangeError(`${usd} is no amount of dollars.`);
  const [, whole, fraction = '', exponent = '0'] = match;
  return BigInt(whole + fraction) * 10n ** BigInt(DECIMALS + Number(exponent) - fraction.length);
}

/** The first moment after a month such as 2026-11, which is what `created_before` takes. */
export function monthEnd(period) {
  const [year, month] = period.split('-').map(Number);
  return new Date(Date.UTC(year, month)).toISOString();
}

/** Usage counts a job in the month (UTC) in which it ended, whenever it was created. */
export function hasEndedIn(job, period) {
  return job.completed_at?.startsWith(period) ?? false;
}

/**
 * Whether a bill needs the job's own costs: the list of jobs has neither dollars nor tokens. That is one request
 * for each such job. It is spared for sold jobs in whose metadata the application noted the tokens; unsold ones
 * are few, and what they cost must not be billed.
 */
export function needsCosts(job) {
  return !job.credit_applied || !('tokens_used' in job.metadata);
}

/**
 * One team's month, a line for each job type.
 *
 * What the usage answer alone can say: what a job type cost, all its jobs together. What it cannot: how many of
 * them are sold (`count` has failed and cancelled ones in it), what the unsold ones cost, and how large each job
 * was (`total_tokens` is one sum for all job types, and a price by tiers is not the price of an average). So it
 * takes `jobs`, all that ended in the month, and `costs`, the costs by job id of those that need them.
 *
 * Sold are the jobs that were charged a credit: completed, and not with failed calls alone. The cost of the others
 * is still a cost. Markup is rounded once for each line, not for each job: a job below a third of a cent would
 * round to nothing.
 */
export function teamBill(usage, jobs, costs) {
  return new Map(
    Object.entries(usage.job_types).map(([jobType, stats]) => {
      const ofType = jobs.filter((job) => job.job_type === jobType);
      const sold = ofType.filter((job) => job.credit_applied);
      const tokens = sold.map((job) => costs.get(job.job_id)?.total_tokens ?? job.metadata.tokens_used);
      const unsold = ofType.filter((job) => !job.credit_applied);
      const cost = toPicos(stats.cost_usd);
      const soldCost = cost - sum(unsold.map((job) => toPicos(costs.get(job.job_id).total_cost_usd)));
      const line = {
        jobs: stats.count,
        sold_jobs: sold.length,
        cost,
        flat: FLAT_RATES.has(jobType)
          ? BigInt(sold.length) * FLAT_RATES.get(jobType)
          : flatPrice(jobType, soldCost),
        tiered: sum(tokens.map(tierPrice)),
        markup: markupPrice(soldCost),
      };
      return [jobType, line];
    }),
  );
}

/** All teams together, as JSON for the operator. Amounts are text, so that no reader makes floats of them. */
export function profitReport(period, usages, bills) {
  const lines = bills.flatMap((bill) => [...bill]);
  const jobTypes = new Set(lines.map(([jobType]) => jobType));
  return {
    period,
    // Calls whose cost nobody knows. Above zero, the costs are a lower bound and the profits an upper one.
    unpriced_calls: usages.reduce((total, usage) => total + usage.summary.unpriced_calls, 0),
    job_types: Object.fromEntries(
      [...jobTypes].map((jobType) => [jobType, figures(lines.filter(([name]) => name === jobType))]),
    ),
    total: figures(lines),
  };
}

function figures(lines) {
  const add = (name) => sum(lines.map(([, line]) => BigInt(line[name])));
  const cost = add('cost');
  const result = { jobs: Number(add('jobs')), sold_jobs: Number(add('sold_jobs')), cost_usd: toUsd(cost) };
  for (const strategy of STRATEGIES) {
    const revenue = add(strategy);
    const profit = revenue - cost;
    result[strategy] = {
      revenue_usd: toUsd(revenue),
      profit_usd: toUsd(profit),
      margin_percent: revenue === 0n ? null : toText(divideHalfUp(profit * 1000n, revenue), 1, 1),
    };
  }
  return result;
}

function sum(amounts) {
  return amounts.reduce((total, amount) => total + amount, 0n);
}

/** Half away from zero; BigInt's own division cuts off. */
function divideHalfUp(dividend, divisor) {
  const half = dividend < 0n ? -divisor : divisor;
  return (dividend * 2n + half) / (divisor * 2n);
}

/** Exact, with two decimals at least. */
function toUsd(picos) {
  return toText(picos, DECIMALS, 2);
}

function toText(value, decimals, fewest) {
  const digits = String(value < 0n ? -value : value).padStart(decimals + 1, '0');
  const fraction = digits.slice(-decimals).replace(/0+$/, '').padEnd(fewest, '0');
  return `${value < 0n ? '-' : ''}${digits.slice(0, -decimals)}.${fraction}`;
}

"""What customers pay and what is left of it: plain functions over the answers of the service.

All amounts are Decimal. Parse the service's JSON with parse_float=Decimal: a float has been rounded already.
"""

from collections import defaultdict
from decimal import ROUND_HALF_UP, Decimal

FLAT_RATES = {
    "document_analysis": Decimal("0.50"),
    "chat_session": Decimal("0.10"),
    "data_extraction": Decimal("0.25"),
}
UNLISTED_FACTOR = 2  # a job type without a rate pays twice its cost
MARKUP = Decimal("1.5")  # half of the cost on top, which is a margin of a third
STRATEGIES = ("flat", "tiered", "markup")


def flat_price(job_type, cost):
    """The price of one job by its type."""
    return FLAT_RATES.get(job_type, cost * UNLISTED_FACTOR)


def tier_price(tokens):
    """The price of one job by its size."""
    if tokens < 1000:
        return Decimal("0.05")
    return Decimal("0.15") if tokens < 5000 else Decimal("0.30")


def markup_price(cost, markup=MARKUP):
    """A share on top of the cost, in whole cents. Half a cent is rounded up, as on an invoice."""
    return (cost * markup).quantize(Decimal("0.01"), ROUND_HALF_UP)


def month_end(period):
    """The first moment after a month such as 2026-11, which is what `created_before` takes."""
    year, month = map(int, period.split("-"))
    return f"{year + month // 12:04}-{month % 12 + 1:02}-01T00:00:00Z"


def has_ended_in(job, period):
    """Usage counts a job in the month (UTC) in which it ended, whenever it was created."""
    return (job["completed_at"] or "").startswith(period)


def needs_costs(job):
    """Whether a bill needs the job's own costs: the list of jobs has neither dollars nor tokens.

    That is one request for each such job. It is spared for sold jobs in whose metadata the application noted
    the tokens; unsold ones are few, and what they cost must not be billed.
    """
    return not job["credit_applied"] or "tokens_used" not in job["metadata"]


def team_bill(usage, jobs, costs):
    """One team's month, a line for each job type.

    What the usage answer alone can say: what a job type cost, all its jobs together. What it cannot: how many
    of them are sold (`count` has failed and cancelled ones in it), what the unsold ones cost, and how large each
    job was (`total_tokens` is one sum for all job types, and a price by tiers is not the price of an average).
    So it takes `jobs`, all that ended in the month, and `costs`, the costs by job id of those that need them.

    Sold are the jobs that were charged a credit: completed, and not with failed calls alone. The cost of the
    others is still a cost. Markup is rounded once for each line, not for each job: a job below a third of a cent
    would round to nothing.
    """
    sold, tiered, unsold_cost = defaultdict(int), defaultdict(Decimal), defaultdict(Decimal)
    for job in jobs:
        job_type, job_costs = job["job_type"], costs.get(job["job_id"])
        if job["credit_applied"]:
            tokens = job_costs["total_tokens"] if job_costs else job["metadata"]["tokens_used"]
            sold[job_type] += 1
            tiered[job_type] += tier_price(tokens)
        else:
            unsold_cost[job_type] += Decimal(job_costs["total_cost_usd"])
    bill = {}
    for job_type, stats in usage["job_types"].items():
        cost = Decimal(stats["cost_usd"])
        sold_cost = cost - unsold_cost[job_type]
        is_listed = job_type in FLAT_RATES
        bill[job_type] = {
            "jobs": stats["count"],
            "sold_jobs": sold[job_type],
            "cost": cost,
            "flat": sold[job_type] * FLAT_RATES[job_type] if is_listed else flat_price(job_type, sold_cost),
            "tiered": tiered[job_type],
            "markup": markup_price(sold_cost),
        }
    return bill


def profit_report(period, usages, bills):
    """All teams together, as JSON for the operator. Amounts are text, so that no reader makes floats of them."""
    job_types, total = defaultdict(lambda: defaultdict(Decimal)), defaultdict(Decimal)
    for bill in bills:
        for job_type, line in bill.items():
            for name, value in line.items():
                job_types[job_type][name] += value
                total[name] += value
    return {
        "period": period,
        # Calls whose cost nobody knows. Above zero, the costs are a lower bound and the profits an upper one.
        "unpriced_calls": sum(usage["summary"]["unpriced_calls"] for usage in usages),
        "job_types": {job_type: _figures(line) for job_type, line in job_types.items()},
        "total": _figures(total),
    }


def _figures(line):
    figures = {"jobs": int(line["jobs"]), "sold_jobs": int(line["sold_jobs"]), "cost_usd": _usd(line["cost"])}
    for strategy in STRATEGIES:
        revenue, profit = line[strategy], line[strategy] - line["cost"]
        margin = (profit * 100 / revenue).quantize(Decimal("0.1"), ROUND_HALF_UP) if revenue else None
        figures[strategy] = {
            "revenue_usd": _usd(revenue),
            "profit_usd": _usd(profit),
            "margin_percent": None if margin is None else str(margin),
        }
    return figures


def _usd(amount):
    """Exact, with two decimals at least."""
    whole, _, fraction = f"{amount:f}".partition(".")
    return f"{whole}.{fraction.rstrip('0').ljust(2, '0')}"

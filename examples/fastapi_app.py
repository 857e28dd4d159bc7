#!/usr/bin/env python3
"""A small product in front of the service, with FastAPI: customers have their text put into plain words.

    TEAM_KEYS='{"acme": "sk-..."}' OPERATOR_KEY=... examples/.venv/bin/python examples/fastapi_app.py
"""

import asyncio
import hmac
import json
import logging
import os
import sys
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Annotated

import httpx
import uvicorn
from fastapi import FastAPI, Header, HTTPException, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from pricing import has_ended_in, month_end, needs_costs, profit_report, team_bill
from service_problem import ServiceProblem

API_BASE = os.environ.get("API_BASE", "http://127.0.0.1:8003/api").rstrip("/")
ADMIN_KEY = os.environ.get("ADMIN_KEY", "sk-admin-key-change-me")  # for /profit only
OPERATOR_KEY = os.environ.get("OPERATOR_KEY", "")
TEAM_KEYS = json.loads(os.environ.get("TEAM_KEYS") or sys.exit("Set TEAM_KEYS to a JSON object of team ids and keys."))

QUICK = httpx.Timeout(35, connect=5)
CALL = httpx.Timeout(200, connect=5)  # longer than the service's own limit for a call, which may try several models
COMPLETION_PAUSES_SECONDS = (0.2, 1, 3)

log = logging.getLogger("uvicorn.error")
service = None  # one client for all requests, so that connections are used again


@asynccontextmanager
async def lifespan(_):
    global service
    # Without a limit of its own: waiting for a connection must not fail a job that others hold up.
    async with httpx.AsyncClient(limits=httpx.Limits(max_connections=None)) as service:
        yield


app = FastAPI(title="Plain words", lifespan=lifespan)


async def send(method, path, key, body=None, query=None, timeout=QUICK):
    """One request to the service, sent once. Returns the parsed answer or raises ServiceProblem."""
    try:
        answer = await service.request(
            method, API_BASE + path, headers={"Authorization": f"Bearer {key}"}, json=body, params=query,
            timeout=timeout,
        )
    except httpx.ReadTimeout:
        raise ServiceProblem(504, "no_answer_in_time", "The service did not answer in time.") from None
    except httpx.TransportError:
        raise ServiceProblem(503, "unreachable", "The service cannot be reached.") from None
    if answer.status_code != 200:
        raise ServiceProblem.from_answer(answer.status_code, answer.headers, answer.text)
    return answer.json(parse_float=Decimal)


async def complete(key, job_id, ending):
    """Ends a job. Sent again after a failure: the service answers a repetition without a second charge."""
    for pause in (*COMPLETION_PAUSES_SECONDS, None):
        try:
            return await send("POST", f"/jobs/{job_id}/complete", key, ending)
        except ServiceProblem as problem:
            if pause is None or not problem.may_pass:
                # It stays open with its credit held until somebody completes or cancels it.
                log.error("Job %s could not be ended as %s: %s", job_id, ending["status"], problem)
                raise
            await asyncio.sleep(pause)


async def run_job(key, job_type, metadata, work):
    """One piece of work as one job: charged if `work` returns, free if it raises."""
    created = await send("POST", "/jobs/create", key, {"job_type": job_type, "metadata": metadata})
    job_id, tokens = created["job_id"], 0

    async def ask(purpose, *messages):
        nonlocal tokens
        # Not sent again after a failure: the first one may have reached a model, and a second one spends again.
        body = {"purpose": purpose, "messages": messages}
        answer = await send("POST", f"/jobs/{job_id}/llm-call", key, body, timeout=CALL)
        tokens += answer["metadata"]["tokens_used"]
        return answer["response"]["content"] or ""

    try:
        result = await work(ask)
    except Exception as error:
        reason = str(error) if isinstance(error, ServiceProblem) else "The application failed."
        try:
            await complete(key, job_id, {"status": "failed", "error_message": reason})
        except ServiceProblem:
            pass  # Logged above; the customer is told of the first failure.
        raise
    # The price by tiers needs the tokens of each job, which lists and reports do not show.
    await complete(key, job_id, {"status": "completed", "metadata": {"tokens_used": tokens}})
    return {"job_id": job_id, **result}


class Text(BaseModel):
    text: str = Field(min_length=1, max_length=100_000, pattern=r"\S")


@app.post("/process-text")
async def process_text(body: Text, x_team_id: Annotated[str, Header()]):
    # A header says who asks, to keep the example short. Take the team from your own login instead.
    key = TEAM_KEYS.get(x_team_id)
    if key is None:
        raise HTTPException(404, "There is no such customer.")
    paragraphs = [paragraph for paragraph in body.text.split("\n\n") if paragraph.strip()]

    async def work(ask):
        writer = {"role": "system", "content": "Say it in plain words."}
        # One after the other: after a failure nothing more is spent on a job that will not be paid.
        rewritten = [await ask(f"paragraph_{number}", writer, {"role": "user", "content": paragraph})
                     for number, paragraph in enumerate(paragraphs, 1)]
        return {"text": "\n\n".join(rewritten)}

    return await run_job(key, "text_processing", {"paragraphs": len(paragraphs)}, work)


@app.get("/profit")
async def profit(
    period: Annotated[str, Query(pattern="^20[0-9]{2}-(0[1-9]|1[0-2])$")],
    x_operator_key: Annotated[str, Header()] = "",
):
    if not OPERATOR_KEY or not hmac.compare_digest(x_operator_key.encode(), OPERATOR_KEY.encode()):
        raise HTTPException(403, "This is for the operator.")
    usages, bills = [], []
    for team in TEAM_KEYS:
        usage = await send("GET", f"/teams/{team}/usage", ADMIN_KEY, query={"period": period})
        jobs = await list_ended_jobs(team, period, usage["summary"]["total_jobs"])
        costs = {job["job_id"]: (await send("GET", f"/jobs/{job['job_id']}/costs", ADMIN_KEY))["costs"]
                 for job in jobs if needs_costs(job)}
        usages.append(usage)
        bills.append(team_bill(usage, jobs, costs))
    return profit_report(period, usages, bills)


async def list_ended_jobs(team, period, count):
    """The jobs that the usage of a month counts, `count` of them.

    Jobs are listed by creation, and one that ended in this month may be as old as it likes. So it reads backwards
    from the month's end until all are found. While the month still runs, the figures may be one job apart.
    """
    jobs, query = [], {"created_before": month_end(period), "limit": 100}
    while len(jobs) < count:
        page = await send("GET", f"/teams/{team}/jobs", ADMIN_KEY, query=query)
        jobs += [job for job in page["data"] if has_ended_in(job, period)]
        if not page["has_more"]:
            break
        query["cursor"] = page["next_cursor"]
    return jobs


@app.exception_handler(ServiceProblem)
async def answer_service_problem(_, problem):
    log.warning("The service refused: %s", problem)
    status, body, headers = problem.customer_answer()
    return JSONResponse(body, status, headers)


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(os.environ.get("PORT", "5002")))

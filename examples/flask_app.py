#!/usr/bin/env python3
"""A small product in front of the service, with Flask: customers have their documents analyzed.

    TEAM_KEYS='{"acme": "sk-..."}' OPERATOR_KEY=... examples/.venv/bin/python examples/flask_app.py
"""

import hmac
import json
import logging
import os
import re
import sys
import time
from decimal import Decimal

import requests
from flask import Flask, abort, request
from werkzeug.exceptions import HTTPException

from pricing import has_ended_in, month_end, needs_costs, profit_report, team_bill
from service_problem import ServiceProblem

API_BASE = os.environ.get("API_BASE", "http://127.0.0.1:8003/api").rstrip("/")
ADMIN_KEY = os.environ.get("ADMIN_KEY", "sk-admin-key-change-me")  # for /profit only
OPERATOR_KEY = os.environ.get("OPERATOR_KEY", "")
TEAM_KEYS = json.loads(os.environ.get("TEAM_KEYS") or sys.exit("Set TEAM_KEYS to a JSON object of team ids and keys."))

CONNECT_SECONDS = 5
QUICK_SECONDS = 35
CALL_SECONDS = 200  # longer than the service's own limit for a call, which may try several models
COMPLETION_PAUSES_SECONDS = (0.2, 1, 3)
MAX_PAGES = 50

app = Flask(__name__)
app.config["MAX_CONTENT_LENGTH"] = 1024 * 1024
log = logging.getLogger("flask_app")


def send(method, path, key, body=None, query=None, seconds=QUICK_SECONDS):
    """One request to the service, sent once. Returns the parsed answer or raises ServiceProblem."""
    try:
        answer = requests.request(
            method, API_BASE + path, headers={"Authorization": f"Bearer {key}"}, json=body, params=query,
            timeout=(CONNECT_SECONDS, seconds),
        )
    except requests.ReadTimeout:
        raise ServiceProblem(504, "no_answer_in_time", "The service did not answer in time.") from None
    except requests.RequestException:
        raise ServiceProblem(503, "unreachable", "The service cannot be reached.") from None
    if answer.status_code != 200:
        raise ServiceProblem.from_answer(answer.status_code, answer.headers, answer.text)
    return answer.json(parse_float=Decimal)


def complete(key, job_id, ending):
    """Ends a job. Sent again after a failure: the service answers a repetition without a second charge."""
    for pause in (*COMPLETION_PAUSES_SECONDS, None):
        try:
            return send("POST", f"/jobs/{job_id}/complete", key, ending)
        except ServiceProblem as problem:
            if pause is None or not problem.may_pass:
                # It stays open with its credit held until somebody completes or cancels it.
                log.error("Job %s could not be ended as %s: %s", job_id, ending["status"], problem)
                raise
            time.sleep(pause)


def run_job(key, job_type, metadata, work):
    """One piece of work as one job: charged if `work` returns, free if it raises."""
    job_id = send("POST", "/jobs/create", key, {"job_type": job_type, "metadata": metadata})["job_id"]
    tokens = 0

    def ask(purpose, *messages):
        nonlocal tokens
        # Not sent again after a failure: the first one may have reached a model, and a second one spends again.
        answer = send("POST", f"/jobs/{job_id}/llm-call", key, {"purpose": purpose, "messages": messages},
                      seconds=CALL_SECONDS)
        tokens += answer["metadata"]["tokens_used"]
        return answer["response"]["content"] or ""

    try:
        result = work(ask)
    except Exception as error:
        reason = str(error) if isinstance(error, ServiceProblem) else "The application failed."
        try:
            complete(key, job_id, {"status": "failed", "error_message": reason})
        except ServiceProblem:
            pass  # Logged above; the customer is told of the first failure.
        raise
    # The price by tiers needs the tokens of each job, which lists and reports do not show.
    complete(key, job_id, {"status": "completed", "metadata": {"tokens_used": tokens}})
    return {"job_id": job_id, **result}


@app.post("/analyze-document")
def analyze_document():
    # A header says who asks, to keep the example short. Take the team from your own login instead.
    key = TEAM_KEYS.get(request.headers.get("X-Team-ID", "")) or abort(404, "There is no such customer.")
    body = request.get_json()
    document_id, pages = (body.get("document_id"), body.get("pages")) if isinstance(body, dict) else (None, None)
    if not isinstance(document_id, str) or not isinstance(pages, list) or not 1 <= len(pages) <= MAX_PAGES \
            or not all(isinstance(page, str) and page for page in pages):
        abort(400, f"Send a document_id and 1 to {MAX_PAGES} pages of text.")

    def work(ask):
        analyst = {"role": "system", "content": "You analyze documents. Be brief."}
        findings = [ask(f"page_{number}", analyst, {"role": "user", "content": page})
                    for number, page in enumerate(pages, 1)]
        summary = ask("summary", analyst, {"role": "user", "content": "Summarize:\n" + "\n".join(findings)})
        return {"pages": findings, "summary": summary}

    return run_job(key, "document_analysis", {"document_id": document_id}, work)


@app.get("/profit")
def profit():
    given = request.headers.get("X-Operator-Key", "")
    if not OPERATOR_KEY or not hmac.compare_digest(given.encode(), OPERATOR_KEY.encode()):
        abort(403, "This is for the operator.")
    period = request.args.get("period", "")
    if not re.fullmatch(r"20[0-9]{2}-(0[1-9]|1[0-2])", period):
        abort(400, "Send period=YYYY-MM.")
    usages, bills = [], []
    for team in TEAM_KEYS:
        usage = send("GET", f"/teams/{team}/usage", ADMIN_KEY, query={"period": period})
        jobs = list_ended_jobs(team, period, usage["summary"]["total_jobs"])
        costs = {job["job_id"]: send("GET", f"/jobs/{job['job_id']}/costs", ADMIN_KEY)["costs"]
                 for job in jobs if needs_costs(job)}
        usages.append(usage)
        bills.append(team_bill(usage, jobs, costs))
    return profit_report(period, usages, bills)


def list_ended_jobs(team, period, count):
    """The jobs that the usage of a month counts, `count` of them.

    Jobs are listed by creation, and one that ended in this month may be as old as it likes. So it reads backwards
    from the month's end until all are found. While the month still runs, the figures may be one job apart.
    """
    jobs, query = [], {"created_before": month_end(period), "limit": 100}
    while len(jobs) < count:
        page = send("GET", f"/teams/{team}/jobs", ADMIN_KEY, query=query)
        jobs += [job for job in page["data"] if has_ended_in(job, period)]
        if not page["has_more"]:
            break
        query["cursor"] = page["next_cursor"]
    return jobs


@app.errorhandler(ServiceProblem)
def answer_service_problem(problem):
    log.warning("The service refused: %s", problem)
    status, body, headers = problem.customer_answer()
    return body, status, headers


@app.errorhandler(HTTPException)
def answer_own_error(error):
    return {"error": error.name.lower().replace(" ", "_"), "message": error.description}, error.code


if __name__ == "__main__":
    # Flask's own server is for trying it out; in production a WSGI server serves `flask_app:app`.
    app.run(port=int(os.environ.get("PORT", "5001")))

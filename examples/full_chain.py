#!/usr/bin/env python3
"""One customer's whole way through the service, with Python's standard library alone.

    BASE_URL=http://127.0.0.1:8003 ADMIN_KEY=sk-admin-key-change-me python3 full_chain.py
"""

import json
import os
import sys
import urllib.error
import urllib.request
import uuid

BASE_URL = os.environ.get("BASE_URL", "http://127.0.0.1:8003").rstrip("/")
ADMIN_KEY = os.environ.get("ADMIN_KEY", "sk-admin-key-change-me")
TIMEOUT_SECONDS = 150  # a call may try several models


def send(method, path, key, body=None):
    """Sends one request. Returns the status and the answer's bytes, for errors too."""
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(BASE_URL + path, data, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()
    except OSError as error:
        sys.exit(f"{BASE_URL} does not answer: {error}")


def call(method, path, key, body=None):
    """Sends one request that must succeed. Returns the answer as parsed JSON."""
    status, answer = send(method, path, key, body)
    check(status == 200, f"{method} {path} answered {status}: {answer.decode()}")
    return json.loads(answer)


def check(holds, sentence):
    if not holds:
        sys.exit(f"FAILED: {sentence}")


def main():
    run = uuid.uuid4().hex[:8]
    organization, group, team = f"example-{run}", f"summaries-{run}", f"example-{run}-editors"

    # The operator sets the customer up, once, with the admin key.
    call("POST", "/api/organizations/create", ADMIN_KEY,
         {"organization_id": organization, "name": "Example Ltd"})
    models = [{"model_name": "gpt-4o-mini", "priority": 0}, {"model_name": "gpt-3.5-turbo", "priority": 1}]
    call("POST", "/api/model-groups/create", ADMIN_KEY,
         {"group_name": group, "display_name": "Summaries", "models": models})
    created = call("POST", "/api/teams/create", ADMIN_KEY,
                   {"organization_id": organization, "team_id": team, "model_groups": [group],
                    "credits_allocated": 100})
    print(f"Team {team} of {organization}, model group {group}: {created['credits_remaining']} credits")

    # From here on it is the customer's code, with the team's key. It is shown once only: keep it.
    key = created["virtual_key"]
    balance_path = f"/api/credits/teams/{team}/balance"
    check(call("GET", balance_path, key)["credits_remaining"] == 100, "a new team has its 100 credits")

    # One job is one piece of work: as many calls as it takes, and one credit when it is completed.
    job = call("POST", "/api/jobs/create", key, {"job_type": "summary", "metadata": {"document": "report.txt"}})
    job_path = f"/api/jobs/{job['job_id']}"
    print(f"Job {job['job_id']} is {job['status']}")
    questions = {
        "outline": "List the three parts of a good report.",
        "draft": "Write one sentence about each part.",
        "polish": "Shorten the text to twenty words.",
    }
    for purpose, question in questions.items():
        answer = call("POST", f"{job_path}/llm-call", key,
                      {"model_group": group, "purpose": purpose,
                       "messages": [{"role": "user", "content": question}]})
        metadata = answer["metadata"]
        print(f"  {purpose}: {metadata['tokens_used']} tokens, {metadata['latency_ms']} ms, "
              f"{answer['response']['content'][:48]!r}")

    status, first = send("POST", f"{job_path}/complete", key, {"status": "completed"})
    check(status == 200, f"the completion answered {status}: {first.decode()}")
    costs = json.loads(first)["costs"]
    print(f"Completed: {costs['total_calls']} calls, {costs['credits_charged']} credit charged")
    check(costs["total_calls"] == 3 and costs["successful_calls"] == 3, "the job has three successful calls")
    check(costs["credit_applied"] and costs["credits_charged"] == 1, "a completed job costs one credit")

    # A completion whose answer got lost may simply be sent again.
    status, second = send("POST", f"{job_path}/complete", key, {"status": "completed"})
    check(status == 200 and second == first, "a repeated completion gives the same bytes")
    print("Completed again: the same bytes")

    failed = call("POST", "/api/jobs/create", key, {"job_type": "summary"})
    failed_path = f"/api/jobs/{failed['job_id']}"
    call("POST", f"{failed_path}/llm-call", key,
         {"model_group": group, "messages": [{"role": "user", "content": "Summarize an empty page."}]})
    ended = call("POST", f"{failed_path}/complete", key,
                 {"status": "failed", "error_message": "The page was empty."})
    print(f"Job {failed['job_id']} is {ended['status']}: {ended['costs']['credits_charged']} credits charged")
    check(ended["costs"]["credits_charged"] == 0, "a failed job costs nothing")

    # What the calls cost in dollars is for the operator, not for the team.
    status, _ = send("GET", f"{job_path}/costs", key)
    check(status == 403, f"the team's key must not see costs, but the answer was {status}")
    costs = call("GET", f"{job_path}/costs", ADMIN_KEY)["costs"]
    check(costs["total_calls"] == len(costs["breakdown"]) == 3, "the costs list all three calls")
    print(f"The operator sees ${costs['total_cost_usd']:.6f}; the team gets 403")

    balance = call("GET", balance_path, key)
    seen = (balance["credits_allocated"], balance["credits_used"], balance["credits_remaining"])
    check(seen == (100, 1, 99), f"of 100 credits 1 is used and 99 remain, not {seen}")
    print("OK: 1 credit charged for 1 completed job")


if __name__ == "__main__":
    main()

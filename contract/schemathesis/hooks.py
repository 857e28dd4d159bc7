"""What the generator cannot know from the contract alone.

Requests that ought to succeed are pointed at things that are there, since invented ids end at the look-up. What the
other requests need is kept from being changed or deleted. And where the service refuses a request that its schema
allows, the reason must be one that is beyond what the schemas of a contract say.
"""

import itertools
import pathlib
import re

import schemathesis
from schemathesis.openapi.checks import (
    AllowHeaderMismatch,
    JsonSchemaError,
    RejectedPositiveData,
    UnsupportedMethodResponse,
)

# The ids that run.mjs gives to what it makes.
ORGANIZATION = "contract-organization"
GROUP = "contract-group"
TEAM = "contract-own"
NEEDED = {ORGANIZATION, GROUP, TEAM, "contract-other"}
RESTING = "contract-resting"
SPARES = itertools.cycle([f"contract-spare-{number}" for number in range(20)])

OPEN_JOBS = pathlib.Path("jobs-to-call.txt").read_text(encoding="utf-8").split()
JOBS_TO_CALL = itertools.cycle(OPEN_JOBS)
JOBS_TO_END = itertools.cycle(pathlib.Path("jobs-to-end.txt").read_text(encoding="utf-8").split())
# Each was charged one credit.
JOBS_TO_REFUND = itertools.cycle(pathlib.Path("jobs-to-refund.txt").read_text(encoding="utf-8").split())

# A job and a call of it whose messages were kept.
JOB_OF_CALL, CALL_TO_READ = pathlib.Path("call-to-read.txt").read_text(encoding="utf-8").split()

JOBS = {
    "POST /api/jobs/{job_id}/llm-call": JOBS_TO_CALL,
    "POST /api/jobs/{job_id}/llm-call-stream": JOBS_TO_CALL,
    "POST /api/jobs/{job_id}/openai/v1/chat/completions": JOBS_TO_CALL,
    "POST /api/jobs/{job_id}/openai/v1/responses": JOBS_TO_CALL,
    "POST /api/jobs/{job_id}/openai/v1/embeddings": JOBS_TO_CALL,
    "POST /api/jobs/{job_id}/complete": JOBS_TO_END,
    "POST /api/jobs/{job_id}/cancel": JOBS_TO_END,
}

# Operations on these paths change what is there.
KEPT = re.compile(r"(PUT|PATCH|DELETE) /api/(organizations|model-groups|teams)/")

# Operations that take an id of the caller's choice, and the field that has it.
CREATIONS = {
    "POST /api/organizations/create": "organization_id",
    "POST /api/model-groups/create": "group_name",
    "POST /api/teams/create": "team_id",
}

# Fields that name something: the name of what is there.
REFERENCES = {
    "organization_id": ORGANIZATION,
    "team_id": TEAM,
    "model_group": GROUP,
    "model": GROUP,
    "model_groups": [GROUP],
    "default_team_model_groups": [GROUP],
}

SSE_TITLE = "SSE event violates schema"

# Of so many requests one is left as it was generated.
UNTOUCHED = 4

# Refusals that depend on what is there, on the model, on the credits, or on what came with the same key before.
STATE_CODES = {
    "organization_already_exists",
    "model_group_already_exists",
    "team_already_exists",
    "insufficient_credits",
    "upstream_rejected_request",
    "idempotency_key_reused",
}

# Rules between fields, about the key, or about sizes in bytes: (field or None for any, code).
RULES_BEYOND_SCHEMAS = {
    (None, "body_too_complex"),
    (None, "forbidden_key"),
    (None, "is_storable"),
    (None, "is_metadata"),
    (None, "too_large"),
    (None, "credit_limit_exceeded"),
    (None, "max_decimals"),
    (None, "needs_default_team"),
    (None, "needs_expand"),
    (None, "no_active_model"),
    (None, "unsafe_integer"),
    # What a message may have depends on its role, and a choice of tools on the tools.
    ("messages", "is_chat_messages"),
    ("tools", "is_tools"),
    ("tool_choice", "is_tool_choice"),
    ("tool_choice", "needs_tools"),
    ("parallel_tool_calls", "needs_tools"),
    ("top_logprobs", "needs_logprobs"),
    ("logit_bias", "is_logit_bias"),
    ("stream_options", "is_stream_options"),
    ("response_format.json_schema.schema", "invalid_schema"),
    ("model", "ambiguous_model_group"),
    ("team_id", "required"),
    ("external_reference", "required"),
    ("expires_at", "not_after_start"),
    ("expires_at", "not_in_future"),
    ("period", "future_period"),
    ("as_of", "in_future"),
    ("credits_per_dollar", "is_number"),
    ("refill_amount", "needs_refill_amount"),
    ("refill_period", "needs_refill_condition"),
    ("monthly_ceiling", "below_refill_amount"),
    ("free_endings", "needs_fair_outcome"),
    ("free_endings_window_days", "needs_fair_outcome"),
    ("cursor", "invalid_cursor"),
    ("period", "ambiguous_period"),
    ("start_date", "invalid_date"),
    ("end_date", "invalid_date"),
    ("end_date", "invalid_period"),
}

# In the shape of OpenAI an error tells the place alone. Free JSON stands in these fields, or a rule between fields.
OPENAI_FIELDS_BEYOND_SCHEMAS = {
    "X-Team-Id",
    "body",
    "include",
    "input",
    "instructions",
    "logit_bias",
    "messages",
    "metadata",
    "parallel_tool_calls",
    "reasoning",
    "response_format",
    "stop",
    "stream_options",
    "text",
    "tool_choice",
    "tools",
    "top_logprobs",
    "user",
}

# A schema can ask for a date, but not for one in the years that the service takes.
DATES = {
    "created_after": re.compile(r"\d{4}-\d\d-\d\d(T|$)"),
    "created_before": re.compile(r"\d{4}-\d\d-\d\d(T|$)"),
    "as_of": re.compile(r"\d{4}-\d\d-\d\d(T|$)"),
    "starts_at": re.compile(r"\d{4}-\d\d-\d\d(T|$)"),
    "expires_at": re.compile(r"\d{4}-\d\d-\d\d(T|$)"),
    "period": re.compile(r"\d{4}-(0[1-9]|1[0-2])$"),
}

numbers = itertools.count(1)


@schemathesis.hook
def before_call(context, case, kwargs):
    operation = case.operation.label
    if KEPT.match(operation):
        for name, value in case.path_parameters.items():
            if value in NEEDED:
                case.path_parameters[name] = next(SPARES) if case.method == "DELETE" else RESTING
    jobs = JOBS.get(operation)
    if jobs is JOBS_TO_END and case.path_parameters.get("job_id") in OPEN_JOBS:
        case.path_parameters["job_id"] = next(jobs)
    number = next(numbers)
    if not is_sound(case) or number % UNTOUCHED == 0:
        return
    if jobs is not None:
        case.path_parameters["job_id"] = next(jobs)
    if "call_id" in case.path_parameters:
        case.path_parameters.update(job_id=JOB_OF_CALL, call_id=CALL_TO_READ)
    if not KEPT.match(operation) and "team_id" in case.path_parameters:
        case.path_parameters["team_id"] = TEAM
    if case.query is not None:
        # Only the service can make one.
        case.query.pop("cursor", None)
    if case.headers and "Idempotency-Key" in case.headers:
        # Generated ones are few and short: most requests would be refused for the key of an earlier one.
        case.headers["Idempotency-Key"] = f"contract-{number}"
    if case.path.startswith("/v1/"):
        # The admin has to name a team.
        case.headers["X-Team-Id"] = TEAM
    if case.headers and "X-Job-Id" in case.headers:
        case.headers["X-Job-Id"] = next(JOBS_TO_CALL)
    own = CREATIONS.get(operation)
    for holder in (case.body, case.query):
        if isinstance(holder, dict):
            point_at_things(holder, own)
            if isinstance(holder.get(own), str):
                # An id may have 128 characters.
                holder[own] = f"{holder[own][:100]}-{number}"
    if operation == "PUT /api/teams/{team_id}/model-groups" and case.body:
        case.body = [GROUP]
    if operation == "POST /api/credits/teams/{team_id}/refund" and isinstance(case.body, dict):
        case.body["job_id"] = next(JOBS_TO_REFUND)
        if case.body.get("credits"):
            case.body["credits"] = 1


def point_at_things(holder, own):
    for field, reference in REFERENCES.items():
        if field != own and holder.get(field):
            holder[field] = reference


@schemathesis.hook
def filter_failure(context, failure, case, response):
    """Keeps a failure, unless the service is right by what a document of OpenAPI has no words for."""
    if isinstance(failure, JsonSchemaError) and failure.title == SSE_TITLE:
        # It takes the schema for that of an event. Here it is that of its data, to which the e2e tests hold each frame.
        return False
    if isinstance(failure, RejectedPositiveData):
        return not is_refused_beyond_schemas(case, response)
    if isinstance(failure, (AllowHeaderMismatch, UnsupportedMethodResponse)):
        return not is_method_of_sibling(failure, case, response)
    return True


def is_refused_beyond_schemas(case, response):
    problem = response.json()
    error = problem.get("error")
    if error is not None:
        field = (error["param"] or "").split(".")[0]
        # The code of a refused key is not in this shape.
        is_key = error["message"].endswith("is not allowed as a key at any depth.")
        return error["code"] in STATE_CODES or field in OPENAI_FIELDS_BEYOND_SCHEMAS or is_key
    if problem["code"] in STATE_CODES:
        return True
    reasons = problem.get("errors", [])
    return bool(reasons) and all(is_beyond_schemas(reason, case) for reason in reasons)


def is_beyond_schemas(reason, case):
    field, code = reason["field"], reason["code"]
    if field in DATES and code in {"is_instant", "invalid_period"}:
        holder = case.body if isinstance(case.body, dict) else case.query
        return DATES[field].match(str(holder[field])) is not None
    if code == "array_unique":
        # Objects may differ and still name the same model.
        items = case.body if isinstance(case.body, list) else case.body.get(field)
        return any(isinstance(item, dict) for item in items)
    return (field, code) in RULES_BEYOND_SCHEMAS or (None, code) in RULES_BEYOND_SCHEMAS


def is_method_of_sibling(failure, case, response):
    """`create` may be the id of a team, so what `/api/teams/{team_id}` takes is taken on `/api/teams/create` too. So is
    `create-and-call` that of a job."""
    folder, _, last = case.path.rpartition("/")
    if not last.startswith("create"):
        return False
    taken = set()
    for path, item in case.operation.schema.raw_schema["paths"].items():
        if path == case.path or re.fullmatch(re.escape(folder) + r"/\{\w+\}", path):
            taken |= {method.upper() for method in item}
    if isinstance(failure, AllowHeaderMismatch):
        return set(re.findall(r"\w+", response.headers["allow"][0])) - {"HEAD", "OPTIONS"} == taken
    return failure.method in taken


def is_sound(case):
    return case.meta is not None and case.meta.generation.mode.is_positive

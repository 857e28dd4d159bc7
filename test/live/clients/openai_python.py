"""The official client for Python: what scenario.mjs says, and the facts that openai-node.mjs prints."""

import json
import os
from enum import Enum

from openai import APIError, OpenAI, pydantic_function_tool
from pydantic import BaseModel, Field

MODEL = os.environ["MODEL"]
EMBEDDING_MODEL = os.environ["EMBEDDING_MODEL"]
FAILING_MODEL = os.environ["FAILING_MODEL"]
SLOW_MODEL = os.environ["SLOW_MODEL"]
PENNILESS_KEY = os.environ.get("PENNILESS_KEY")

WRONG_KEY = "sk-nobody-has-this-key"
UNKNOWN_MODEL = "no-such-model"

QUESTION = "How do I reset my password?"
TOOL_QUESTION = "Use get_weather: is it warm in Rome?"
TOOL_DESCRIPTION = "The weather of a city"
CITY_QUESTION = "Describe a city."
TEXTS = ["The parties agree.", "Signed in May."]
WEATHER = "31 degrees and a clear sky"
BAD_TOOL_NAME = "get weather"
CHUNKS_BEFORE_LEAVING = 3


class Unit(str, Enum):
    celsius = "celsius"
    fahrenheit = "fahrenheit"


class ToolArguments(BaseModel):
    city: str
    unit: Unit


class District(BaseModel):
    name: str
    isOld: bool


class City(BaseModel):
    name: str
    inhabitants: int = Field(ge=1)
    districts: list[District]


# It reads OPENAI_BASE_URL and OPENAI_API_KEY by itself.
client = OpenAI()
MESSAGES = [{"role": "user", "content": QUESTION}]
WEATHER_TOOL = pydantic_function_tool(ToolArguments, name="get_weather", description=TOOL_DESCRIPTION)


def usage_of(usage):
    return {"prompt": usage.prompt_tokens, "completion": usage.completion_tokens, "total": usage.total_tokens}


def chat():
    completion = client.chat.completions.create(model=MODEL, messages=MESSAGES)
    choice = completion.choices[0]
    return {
        "id": completion.id,
        "model": completion.model,
        "content": choice.message.content,
        "finishReason": choice.finish_reason,
        "usage": usage_of(completion.usage),
        "requestId": completion._request_id,
    }


def stream():
    chunks = client.chat.completions.create(
        model=MODEL, messages=MESSAGES, stream=True, stream_options={"include_usage": True}
    )
    ids, models, deltas, finish_reason, usage = set(), set(), [], None, None
    for chunk in chunks:
        ids.add(chunk.id)
        models.add(chunk.model)
        for choice in chunk.choices:
            if choice.delta.content:
                deltas.append(choice.delta.content)
            finish_reason = finish_reason or choice.finish_reason
        if chunk.usage is not None:
            usage = usage_of(chunk.usage)
    return {
        "ids": sorted(ids),
        "models": sorted(models),
        "deltas": len(deltas),
        "content": "".join(deltas),
        "finishReason": finish_reason,
        "usage": usage,
    }


def tools():
    messages = [{"role": "user", "content": TOOL_QUESTION}]
    first = client.chat.completions.parse(model=MODEL, messages=messages, tools=[WEATHER_TOOL])
    message = first.choices[0].message
    calls = [call.function.parsed_arguments.model_dump(mode="json") for call in message.tool_calls]
    results = [{"role": "tool", "tool_call_id": call.id, "content": WEATHER} for call in message.tool_calls]
    last = client.chat.completions.parse(
        model=MODEL, messages=[*messages, message, *results], tools=[WEATHER_TOOL]
    )
    return {"calls": calls, "id": message.tool_calls[0].id, "answer": last.choices[0].message.content}


def streamed_tools():
    """The pieces of the arguments, put together by the client."""
    messages = [{"role": "user", "content": TOOL_QUESTION}]
    with client.chat.completions.stream(model=MODEL, messages=messages, tools=[WEATHER_TOOL]) as events:
        choice = events.get_final_completion().choices[0]
    call, *others = choice.message.tool_calls
    return {
        "name": call.function.name,
        "arguments": call.function.parsed_arguments.model_dump(mode="json"),
        "id": call.id,
        "others": len(others),
        "finishReason": choice.finish_reason,
    }


def schema():
    messages = [{"role": "user", "content": CITY_QUESTION}]
    parsed = client.chat.completions.parse(model=MODEL, messages=messages, response_format=City)
    with client.chat.completions.stream(model=MODEL, messages=messages, response_format=City) as events:
        streamed = events.get_final_completion()
    return {
        "value": parsed.choices[0].message.parsed.model_dump(),
        "streamedValue": streamed.choices[0].message.parsed.model_dump(),
    }


def embeddings():
    """By default the client asks for base64 and gives numbers."""
    by_default = client.embeddings.create(model=EMBEDDING_MODEL, input=TEXTS)
    as_floats = client.embeddings.create(model=EMBEDDING_MODEL, input=TEXTS, encoding_format="float")
    return {
        "model": by_default.model,
        "vectors": [item.embedding for item in by_default.data],
        "asFloats": [item.embedding for item in as_floats.data],
        "promptTokens": by_default.usage.prompt_tokens,
    }


def models():
    return [model.id for model in client.models.list()]


def error_of(options, **request):
    try:
        OpenAI(**options).chat.completions.create(**{"model": MODEL, "messages": MESSAGES, **request})
    except APIError as error:
        return {
            "class": type(error).__name__,
            "status": error.status_code,
            "code": error.code,
            "type": error.type,
            "param": error.param,
            "message": error.message,
        }
    raise AssertionError("Nothing was raised.")


def errors():
    return {
        "wrongKey": error_of({"api_key": WRONG_KEY}),
        "unknownModel": error_of({}, model=UNKNOWN_MODEL),
        "badParameter": error_of({}, tools=[{"type": "function", "function": {"name": BAD_TOOL_NAME}}]),
        "noCredits": error_of({"api_key": PENNILESS_KEY}) if PENNILESS_KEY else None,
        "upstreamFailure": error_of({}, model=FAILING_MODEL),
        "upstreamFailureOfStream": error_of({}, model=FAILING_MODEL, stream=True),
    }


def leaving():
    deltas = 0
    with client.chat.completions.create(model=SLOW_MODEL, messages=MESSAGES, stream=True) as chunks:
        for chunk in chunks:
            if chunk.choices and chunk.choices[0].delta.content:
                deltas += 1
            if deltas == CHUNKS_BEFORE_LEAVING:
                break
    return {"deltas": deltas, "isAborted": chunks.response.is_closed}


STEPS = {
    "chat": chat,
    "stream": stream,
    "tools": tools,
    "streamedTools": streamed_tools,
    "schema": schema,
    "embeddings": embeddings,
    "models": models,
    "errors": errors,
    "leaving": leaving,
}

print(json.dumps({name: step() for name, step in STEPS.items()}))

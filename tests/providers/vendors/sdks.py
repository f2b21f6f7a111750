"""The vendors' own SDKs, as judges of our requests and of the answers of our fakes."""

import json
from functools import cache
from typing import Any

import anthropic
import openai
from anthropic.types.message_create_params import MessageCreateParamsStreaming
from google import genai
from google.genai import types
from openai.types.responses.response_create_params import ResponseCreateParamsStreaming
from pydantic import TypeAdapter
from pydantic_core import SchemaValidator

from tests.fakes.vendors.scenes import KEY

Body = dict[str, Any]
Told = tuple[str, list[tuple[str, Any]], dict[str, int]]
"""The text, the calls and the tokens of an answer."""


async def read_anthropic(url: str) -> Told:
    client = anthropic.AsyncAnthropic(api_key=KEY, base_url=url.removesuffix("/v1"), max_retries=0)
    asked: Any = {"model": "fake-model", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}
    async with client, client.messages.stream(**asked) as stream:
        message = await stream.get_final_message()
    usage = message.usage
    text = "".join(block.text for block in message.content if block.type == "text")
    calls = [(block.name, block.input) for block in message.content if block.type == "tool_use"]
    prompt = usage.input_tokens + (usage.cache_read_input_tokens or 0) + (usage.cache_creation_input_tokens or 0)
    return text, calls, {"prompt": prompt, "completion": usage.output_tokens}


async def read_gemini(url: str) -> Told:
    options = types.HttpOptions(base_url=url.removesuffix("/v1"), api_version="v1")
    client = genai.Client(api_key=KEY, http_options=options).aio
    text, calls, usage = "", list[tuple[str, Any]](), None
    async for chunk in await client.models.generate_content_stream(model="fake-model", contents="hi"):
        parts = (chunk.candidates[0].content.parts or []) if chunk.candidates and chunk.candidates[0].content else []
        text += "".join(part.text or "" for part in parts if not part.thought)
        calls += [(str(one.name), one.args) for part in parts if (one := part.function_call)]
        usage = chunk.usage_metadata or usage
    await client.aclose()
    assert usage is not None
    completion = (usage.candidates_token_count or 0) + (usage.thoughts_token_count or 0)
    return text, calls, {"prompt": usage.prompt_token_count or 0, "completion": completion}


async def read_responses(url: str) -> Told:
    text, calls, usage = "", list[tuple[str, Any]](), None
    async with openai.AsyncOpenAI(api_key=KEY, base_url=url, max_retries=0) as client:
        async for event in await client.responses.create(model="fake-model", input="hi", stream=True):
            if event.type == "response.output_text.delta":
                text += event.delta
            elif event.type == "response.completed":
                usage = event.response.usage
                functions = [item for item in event.response.output if item.type == "function_call"]
                calls = [(item.name, json.loads(item.arguments)) for item in functions]
    assert usage is not None
    return text, calls, {"prompt": usage.input_tokens, "completion": usage.output_tokens}


READERS = {"anthropic": read_anthropic, "gemini": read_gemini, "openai_responses": read_responses}
PARAMETERS: dict[str, Any] = {
    "anthropic": MessageCreateParamsStreaming,
    "openai_responses": ResponseCreateParamsStreaming,
}


def check_request(kind: str, body: Body) -> None:
    """Hold a request against the parameter types of the vendor's SDK; fields that it does not know are refused."""
    if kind == "gemini":
        _check_gemini(dict(body))
    else:
        _validator(kind).validate_python(body)


def _check_gemini(body: Body) -> None:
    """Hold each part of a request against the model that the SDK converts to it."""
    for content in (*body.pop("contents"), *filter(None, [body.pop("systemInstruction", None)])):
        types.Content.model_validate(content)
    for tool in body.pop("tools", ()):
        types.Tool.model_validate(tool)
    types.ToolConfig.model_validate(body.pop("toolConfig", {}))
    types.GenerateContentConfig.model_validate(body.pop("generationConfig", {}))
    assert body == {}


@cache
def _validator(kind: str) -> SchemaValidator:
    return SchemaValidator(_strict(TypeAdapter(PARAMETERS[kind]).core_schema))


def _strict(schema: Any) -> Any:
    """A schema without lazily validated iterables, and without unknown fields."""
    if isinstance(schema, list | tuple):
        return [_strict(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    strict = {name: value if name == "metadata" else _strict(value) for name, value in schema.items()}
    if strict.get("type") == "generator":
        return {"type": "list", "items_schema": strict["items_schema"]}
    return {**strict, "extra_behavior": "forbid"} if strict.get("type") == "typed-dict" else strict

"""The forms in which servers report what a call took, and what is made of each."""

import json
from typing import Any

import pytest

from projectdavid.engine.deltas import TokenUsage
from tests.fakes.raw import SSE, answering
from tests.providers.asking import asking, at, chunks

pytestmark = pytest.mark.anyio

TOLD = {"prompt_tokens": 100, "completion_tokens": 50}
PLAIN = TokenUsage(100, 50)


async def counted(usage: dict[str, Any]) -> TokenUsage:
    """The usage that the provider counts when a server reports this."""
    events = [{"choices": [{"delta": {"content": "Hi"}, "finish_reason": "stop"}]}, {"choices": [], "usage": usage}]
    body = "".join(f"data: {json.dumps(event)}\n\n" for event in events) + "data: [DONE]\n\n"
    async with answering(SSE + body.encode()) as raw, at(raw.url) as provider:
        [usage_chunk] = [chunk for chunk in await chunks(provider, asking("hi")) if isinstance(chunk, TokenUsage)]
    return usage_chunk


def within(cached: int = 0, reasoning: int = 0) -> TokenUsage:
    """The usage of `TOLD` with these parts."""
    return TokenUsage(100, 50, cached_tokens=cached, reasoning_tokens=reasoning)


FORMS = {
    "openai": (
        {
            **TOLD,
            "total_tokens": 150,
            "prompt_tokens_details": {"cached_tokens": 64, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 32, "accepted_prediction_tokens": 0},
        },
        within(64, 32),
    ),
    "openai without details": ({**TOLD, "prompt_tokens_details": None, "completion_tokens_details": None}, PLAIN),
    "responses": (
        {
            "input_tokens": 100,
            "output_tokens": 50,
            "total_tokens": 150,
            "input_tokens_details": {"cached_tokens": 64},
            "output_tokens_details": {"reasoning_tokens": 32},
        },
        within(64, 32),
    ),
    "openrouter": (
        {
            **TOLD,
            "total_tokens": 150,
            "cost": 0.1,
            "is_byok": False,
            "prompt_tokens_details": {"cached_tokens": 64, "cache_write_tokens": 20},
            "completion_tokens_details": {"reasoning_tokens": 32, "image_tokens": 0},
        },
        within(64, 32),
    ),
    "deepseek": (
        {
            **TOLD,
            "total_tokens": 150,
            "prompt_cache_hit_tokens": 64,
            "prompt_cache_miss_tokens": 36,
            "completion_tokens_details": {"reasoning_tokens": 32},
        },
        within(64, 32),
    ),
    "moonshot": ({**TOLD, "total_tokens": 150, "cached_tokens": 64}, within(64)),
    "groq": ({**TOLD, "total_tokens": 150, "reasoning_tokens": 32, "queue_time": 0.1}, within(0, 32)),
    "litellm to anthropic": (
        {
            **TOLD,
            "total_tokens": 150,
            "cache_read_input_tokens": 64,
            "cache_creation_input_tokens": 20,
            "prompt_tokens_details": {"cached_tokens": 64},
        },
        within(64),
    ),
    "anthropic, prompt without its cache": (
        {
            "prompt_tokens": 16,
            "completion_tokens": 50,
            "cache_read_input_tokens": 64,
            "cache_creation_input_tokens": 20,
        },
        within(64),
    ),
    "anthropic, prompt longer than its cache, and only the total has both": (
        {"prompt_tokens": 80, "completion_tokens": 50, "total_tokens": 150, "cache_read_input_tokens": 20},
        within(20),
    ),
    "anthropic, first call fills the cache": (
        {"prompt_tokens": 10, "completion_tokens": 50, "cache_read_input_tokens": 0, "cache_creation_input_tokens": 90},
        PLAIN,
    ),
    "anthropic's own names": (
        {"input_tokens": 80, "output_tokens": 50, "cache_read_input_tokens": 20, "cache_creation_input_tokens": 0},
        within(20),
    ),
    "xai, reasoning beside the completion": (
        {
            "prompt_tokens": 100,
            "completion_tokens": 18,
            "total_tokens": 150,
            "prompt_tokens_details": {"cached_tokens": 64},
            "completion_tokens_details": {"reasoning_tokens": 32},
        },
        within(64, 32),
    ),
    "gemini, thoughts in the total alone": (
        {"prompt_tokens": 100, "completion_tokens": 18, "total_tokens": 150},
        within(0, 32),
    ),
    "gemini, prompt without its cache": (
        {
            "prompt_tokens": 36,
            "completion_tokens": 18,
            "total_tokens": 150,
            "prompt_tokens_details": {"cached_tokens": 64},
            "completion_tokens_details": {"reasoning_tokens": 32},
        },
        within(64, 32),
    ),
    "gemini, thoughts and no answer": (
        {
            "prompt_tokens": 100,
            "completion_tokens": 0,
            "total_tokens": 150,
            "completion_tokens_details": {"reasoning_tokens": 50},
        },
        within(0, 50),
    ),
    "details that say zero beside a field that does not": (
        {**TOLD, "prompt_tokens_details": {"cached_tokens": 0}, "prompt_cache_hit_tokens": 64},
        within(64),
    ),
}


@pytest.mark.parametrize("form", FORMS)
async def test_cached_and_reasoning_tokens_are_read_in_the_form_of_each_server(form: str) -> None:
    usage, expected = FORMS[form]
    assert await counted(usage) == expected


LIES = [-1, 101, 10**12, 1e300, "64", True, [64], {}, None]


@pytest.mark.parametrize("lie", LIES, ids=repr)
@pytest.mark.parametrize(
    "fields",
    [
        lambda lie: {"prompt_tokens_details": {"cached_tokens": lie}},
        lambda lie: {"input_tokens_details": {"cached_tokens": lie}},
        lambda lie: {"prompt_cache_hit_tokens": lie},
        lambda lie: {"cached_tokens": lie},
        lambda lie: {"completion_tokens_details": {"reasoning_tokens": lie}},
        lambda lie: {"output_tokens_details": {"reasoning_tokens": lie}},
        lambda lie: {"reasoning_tokens": lie},
    ],
    ids=["prompt details", "input details", "hits", "cached", "completion details", "output details", "reasoning"],
)
async def test_an_impossible_part_leaves_the_usage_as_it_is(fields: Any, lie: object) -> None:
    assert await counted({**TOLD, "total_tokens": 150, **fields(lie)}) == PLAIN


@pytest.mark.parametrize("lie", [-1, 10**12, 1e300, "64", True, [64], {}, None], ids=repr)
@pytest.mark.parametrize(
    "field",
    [
        *("cache_read_input_tokens", "cache_creation_input_tokens", "total_tokens", "input_tokens", "output_tokens"),
        *("prompt_tokens_details", "completion_tokens_details", "input_tokens_details", "output_tokens_details"),
    ],
)
async def test_an_impossible_field_leaves_the_usage_as_it_is(field: str, lie: object) -> None:
    assert await counted({**TOLD, field: lie}) == PLAIN

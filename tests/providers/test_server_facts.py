"""What servers say about their models is read in the words of each family, and nothing is guessed."""

from typing import Any

import pytest

from projectdavid.adapters.providers.openai_compatible import OpenAICompatible
from projectdavid.adapters.providers.openai_compatible.profiles import PROFILES
from tests.fakes.scenes import Refuser

pytestmark = pytest.mark.anyio

Facts = dict[str, bool]


def listed(**fields: Any) -> dict[str, Any]:
    """A server with a list of one model."""
    return {"/v1/models": {"object": "list", "data": [{"id": "m", "object": "model", **fields}]}}


OPENROUTER = {
    "context_length": 131072,
    "architecture": {"input_modalities": ["text", "image"], "output_modalities": ["text"]},
    "supported_parameters": ["tools", "tool_choice", "reasoning", "include_reasoning", "structured_outputs"],
}
PLAIN_OPENROUTER = {"architecture": {"input_modalities": ["text"]}, "supported_parameters": ["max_tokens"]}
MISTRAL = {
    "max_context_length": 32768,
    "capabilities": {"completion_chat": True, "function_calling": True, "vision": False, "fine_tuning": False},
}
ANTHROPIC = {
    "max_input_tokens": 200000,
    "capabilities": {"image_input": {"supported": True}, "structured_outputs": {"supported": False}},
}
PROPS = {
    "default_generation_settings": {"n_ctx": 1024},
    "chat_template_caps": {
        "supports_tools": True,
        "supports_tool_calls": False,
        "supports_parallel_tool_calls": False,
        "supports_system_role": True,
    },
    "modalities": {"vision": False, "audio": False},
}
SHOW = {"capabilities": ["completion", "tools"], "parameters": 'stop    "<|eot|>"\nnum_ctx 8192\ntemperature 1'}

CASES: list[tuple[str, str, dict[str, Any], int | None, Facts]] = [
    (
        "OpenRouter",
        "openrouter",
        listed(**OPENROUTER),
        131072,
        {"tools": True, "images": True, "reasoning": True, "structured_output": True},
    ),
    (
        "OpenRouter, a plain model",
        "openrouter",
        listed(**PLAIN_OPENROUTER),
        None,
        {"tools": False, "images": False, "reasoning": False, "structured_output": False},
    ),
    ("Mistral", "mistral", listed(**MISTRAL), 32768, {"tools": True, "images": False}),
    ("Anthropic", "anthropic", listed(**ANTHROPIC), 200000, {"images": True, "structured_output": False}),
    (
        "Fireworks",
        "generic",
        listed(supports_tools=True, supports_image_input=False),
        None,
        {"tools": True, "images": False},
    ),
    ("vLLM", "vllm", listed(max_model_len=8192, owned_by="vllm"), 8192, {}),
    (
        "LM Studio",
        "lmstudio",
        listed(type="vlm", capabilities=["tool_use"], max_context_length=4096),
        4096,
        {"images": True, "tools": True},
    ),
    (
        "LM Studio, text",
        "lmstudio",
        listed(type="llm", loaded_context_length=2048, max_context_length=4096),
        2048,
        {"images": False},
    ),
    (
        "llama.cpp by profile",
        "llamacpp",
        {**listed(), "/props": PROPS},
        1024,
        {"tools": True, "parallel_calls": False, "images": False},
    ),
    (
        "llama.cpp by its list",
        "generic",
        {**listed(owned_by="llamacpp", meta={"n_ctx": 512}), "/props": PROPS},
        512,
        {"tools": True, "parallel_calls": False, "images": False},
    ),
    ("llama.cpp without /props", "llamacpp", listed(meta={"n_ctx": 512}), 512, {}),
    ("Ollama", "ollama", {**listed(), "/api/show": SHOW}, 8192, {"tools": True, "images": False, "reasoning": False}),
    (
        "Ollama that names no num_ctx",
        "ollama",
        {**listed(), "/api/show": {"model_info": {"x.context_length": 131072}}},
        None,
        {},
    ),
    ("Ollama without /api/show", "ollama", listed(), None, {}),
    ("no list at all", "generic", {}, None, {}),
    ("a list without facts", "openai", listed(), None, {}),
    (
        "nonsense",
        "llamacpp",
        {
            **listed(
                supported_parameters="tools",
                architecture=[],
                capabilities=7,
                type=[],
                supports_tools="yes",
                max_model_len=-1,
                context_length=True,
            ),
            "/props": {
                "chat_template_caps": {"supports_tools": "yes"},
                "modalities": [],
                "default_generation_settings": 3,
            },
        },
        None,
        {},
    ),
    (
        "nonsense of Ollama",
        "ollama",
        {**listed(), "/api/show": {"capabilities": {}, "parameters": "num_ctx many\nnum_ctx"}},
        None,
        {},
    ),
]


@pytest.mark.parametrize(
    ("profile", "documents", "window", "capabilities"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
async def test_the_words_of_each_family_are_read(
    profile: str, documents: dict[str, Any], window: int | None, capabilities: Facts
) -> None:
    async with Refuser([], documents) as server:
        provider = OpenAICompatible(name="acme", base_url=server.url, api_key=None, profile=PROFILES[profile])
        facts = await provider.facts("m")
        await provider.close()
    assert facts.window == window
    assert facts.capabilities == {name: (value, "provider") for name, value in capabilities.items()}

"""A refusal that names what it does not take teaches it: the request is made again without, and so are later ones."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from projectdavid.adapters.providers.openai_compatible.profiles import PROFILES, detect_profile
from projectdavid.engine.deltas import WarningDelta
from projectdavid.engine.prompt import ModelRequest, PromptCall, PromptMessage
from projectdavid.ports.model import ModelError
from tests.fakes.scenes import Refuser
from tests.providers.asking import at, chunks, text

pytestmark = pytest.mark.anyio

Body = dict[str, Any]
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
TOOL: Body = {"name": "f", "parameters": {"type": "object", "properties": {}}}


def unsupported(field: str, status: int = 400) -> tuple[int, Body]:
    """OpenAI's words."""
    said = f"Unsupported parameter: '{field}' is not supported with this model."
    return status, {"error": {"message": said, "param": field, "code": "unsupported_parameter"}}


def forbidden(field: str) -> tuple[int, Body]:
    """The words of servers that check with pydantic, such as Mistral's."""
    detail = {"type": "extra_forbidden", "loc": ["body", field], "msg": "Extra inputs are not permitted", "input": True}
    return 422, {"detail": [detail]}


def says(message: str, status: int = 400) -> tuple[int, Body]:
    """A refusal in plain words."""
    return status, {"error": {"message": message, "type": "BadRequestError"}}


def has(field: str) -> Callable[[Body], bool]:
    """Whether a body has a field."""
    return lambda body: field in body


def roles(body: Body) -> list[str]:
    """The roles of a body, but for the first system message."""
    found = [message["role"] for message in body["messages"]]
    return found[1:] if found[:1] == ["system"] else found


def in_messages(field: str) -> Callable[[Body], bool]:
    """Whether a message, or a call of one, has a field."""

    def found(body: Body) -> bool:
        calls = [call for message in body["messages"] for call in message.get("tool_calls", ())]
        return any(field in one for one in (*body["messages"], *calls))

    return found


def has_images(body: Body) -> bool:
    """Whether a body has an image."""
    return "image_url" in json.dumps(body["messages"])


ASKS: dict[str, Body] = {
    "temperature": {"options": {"temperature": 0.5}},
    "top_p": {"options": {"top_p": 0.5}},
    "both": {"options": {"temperature": 0.5, "top_p": 0.5}},
    "reasoning_effort": {"options": {"reasoning_effort": "low"}},
    "parallel": {"tools": (TOOL,), "parallel_tool_calls": True},
    "strict": {"tools": ({**TOOL, "strict": True},)},
    "forced": {"tools": (TOOL,), "tool_choice": "required"},
    "maximum": {"max_tokens": 9},
    "plain": {},
}

REFUSALS: list[tuple[str, Callable[[Body], bool], tuple[int, Body], list[str]]] = [
    ("plain", has("stream_options"), forbidden("stream_options"), []),
    ("plain", has("stream_options"), unsupported("stream_options"), []),
    ("plain", has("stream_options"), says("Unrecognized request argument supplied: stream_options"), []),
    ("parallel", has("parallel_tool_calls"), unsupported("parallel_tool_calls"), ["parallel_tool_calls"]),
    ("parallel", has("parallel_tool_calls"), forbidden("parallel_tool_calls"), ["parallel_tool_calls"]),
    ("temperature", has("temperature"), unsupported("temperature"), ["temperature"]),
    (
        "temperature",
        has("temperature"),
        says(
            "Unsupported value: 'temperature' does not support 0.5 with this model. Only the default (1) is supported."
        ),
        ["temperature"],
    ),
    ("top_p", has("top_p"), says("`top_p` is deprecated for this model."), ["top_p"]),
    (
        "both",
        lambda body: "temperature" in body and "top_p" in body,
        says("`temperature` and `top_p` cannot both be specified for this model. Please use only one."),
        ["top_p"],
    ),
    ("reasoning_effort", has("reasoning_effort"), says("Unknown parameter: 'reasoning_effort'."), ["reasoning_effort"]),
    (
        "strict",
        lambda body: any("strict" in tool["function"] for tool in body.get("tools", ())),
        says("Invalid JSON payload received. Unknown name \"strict\" at 'tools[0].function': Cannot find field."),
        ["strict"],
    ),
    ("temperature", has("temperature"), says("invalid temperature: only 1 is allowed for this model"), ["temperature"]),
    (
        "temperature",
        has("temperature"),
        says("`temperature` may only be set to 1 when thinking is enabled."),
        ["temperature"],
    ),
    ("top_p", has("top_p"), says("`top_p` must be set to 0.95 or unset when thinking is enabled"), ["top_p"]),
    ("reasoning_effort", has("reasoning_effort"), says('"gemma3" does not support thinking'), ["reasoning_effort"]),
    ("reasoning_effort", has("reasoning_effort"), says("Thinking is not enabled for models/x"), ["reasoning_effort"]),
    (
        "reasoning_effort",
        has("reasoning_effort"),
        says("`reasoning_effort` must be one of `none` or `default`"),
        ["reasoning_effort"],
    ),
    ("forced", has("tool_choice"), says("deepseek-reasoner does not support this tool_choice"), ["tool_choice"]),
    ("forced", has("tool_choice"), says("Currently only 'auto' tool_choice is supported"), ["tool_choice"]),
    (
        "forced",
        has("tool_choice"),
        says("Thinking may not be enabled when tool_choice forces tool use."),
        ["tool_choice"],
    ),
    ("plain", lambda body: body.get("stream") is True, says("stream is not supported with this model"), []),
    (
        "plain",
        lambda body: body.get("stream") is True,
        says("Your organization must be verified to stream this model."),
        [],
    ),
    ("maximum", has("max_tokens"), unsupported("max_tokens"), []),
    (
        "maximum",
        has("max_tokens"),
        says("'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."),
        [],
    ),
]


@pytest.mark.parametrize(("asked", "refuses", "answer", "dropped"), REFUSALS)
async def test_a_field_that_a_model_does_not_take_is_left_out_and_remembered(
    asked: str, refuses: Callable[[Body], bool], answer: tuple[int, Body], dropped: list[str]
):
    async with Refuser([(refuses, answer)]) as server, at(server.url) as provider:
        ask = ModelRequest("m", (PromptMessage("user", "Hi"),), **ASKS[asked])
        first = await chunks(provider, ask)
        assert text(first) == text(await chunks(provider, ask)) == "fine"
        facts = await provider.facts("m")
    assert server.refused == 1
    assert len(server.asked) == 3
    assert facts.learned
    warned = [one.message for one in first if isinstance(one, WarningDelta)]
    assert len(warned) == len(dropped)
    assert all(f"'{name}'" in message for name, message in zip(dropped, warned, strict=True))
    if asked == "maximum":
        assert server.asked[-1]["max_completion_tokens"] == 9


CALL = PromptMessage("assistant", "", (PromptCall("c", "f", "{}", "theirs", {"extra_content": {"a": 1}}),))
OUTPUT = PromptMessage("tool", "sunny", call_id="c", provider_call_id="theirs")
THOUGHT = PromptMessage("assistant", "", CALL.calls, provider_fields={"reasoning_content": "Hm."})
HI = PromptMessage("user", "Hi")

SHAPES: list[tuple[tuple[PromptMessage, ...], Callable[[Body], bool], tuple[int, Body]]] = [
    (
        (PromptMessage("system", "Be brief."), HI),
        lambda body: any(message["role"] == "system" for message in body["messages"]),
        says("System role not supported"),
    ),
    (
        (PromptMessage("system", "Be brief."), HI),
        lambda body: any(message["role"] == "system" for message in body["messages"]),
        says("Only user and assistant roles are supported!", 500),
    ),
    (
        (PromptMessage("assistant", "Welcome!"), HI),
        lambda body: roles(body)[:1] != ["user"],
        says("Conversation roles must alternate user/assistant/user/assistant/..."),
    ),
    (
        (PromptMessage("user", [{"type": "text", "text": "Look"}, IMAGE]),),
        has_images,
        says("image input is not supported - hint: if this is unexpected, you may need to provide the mmproj", 500),
    ),
    (
        (PromptMessage("user", [{"type": "text", "text": "Look"}, IMAGE]),),
        has_images,
        says("No endpoints found that support image input", 404),
    ),
    (
        (PromptMessage("user", [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]),),
        lambda body: not isinstance(body["messages"][0]["content"], str),
        says("messages[0].content must be a string", 422),
    ),
    ((HI, THOUGHT, OUTPUT), in_messages("reasoning_content"), says("property 'reasoning_content' is unsupported")),
    ((HI, CALL, OUTPUT), in_messages("extra_content"), says("Extra inputs are not permitted: extra_content", 422)),
]


def lacks_content(body: Body) -> bool:
    """Whether a message has no content."""
    return any("content" not in message for message in body["messages"])


MORE_SHAPES: list[tuple[tuple[PromptMessage, ...], Callable[[Body], bool], tuple[int, Body]]] = [
    *(
        ((HI, CALL, OUTPUT), lacks_content, answer)
        for answer in (
            says("Failed to deserialize the JSON body into the target type: messages[1]: missing field `content`"),
            says("Missing `reasoning_content` field in the assistant message at message index 1."),
            says("'content' is a required property - 'messages.1'"),
            says("All non-assistant messages must contain 'content'", 500),
            (
                422,
                {"detail": [{"type": "missing", "loc": ["body", "messages", 1, "content"], "msg": "Field required"}]},
            ),
        )
    ),
    *(
        (
            (HI, CALL, OUTPUT, PromptMessage("user", "Well?")),
            lambda body: "tool-user" in "-".join(message["role"] for message in body["messages"]),
            answer,
        )
        for answer in (
            says("Unexpected role 'user' after role 'tool'"),
            says("After the optional system message, conversation roles must alternate user/assistant/user/assistant"),
            says("Please ensure that multiturn requests alternate between user and model."),
        )
    ),
    *(
        ((HI, PromptMessage("assistant", "Hello.")), lambda body: body["messages"][-1]["role"] == "assistant", answer)
        for answer in (
            says(
                "This model does not support assistant message prefill. The conversation must end with a user message."
            ),
            says("Expected last role User or Tool (or Assistant with prefix True) for serving but got assistant"),
            says("Last message must have role `user` or `tool`"),
        )
    ),
    *(
        (
            (PromptMessage("system", "Be brief."), HI),
            lambda body: any(message["role"] == "system" for message in body["messages"]),
            answer,
        )
        for answer in (
            says("Developer instruction is not enabled for models/gemma-3-27b-it"),
            says("invalid params, chat content has invalid message role: system (2013)"),
            says("Unsupported value: 'messages[0].role' does not support 'system' with this model."),
        )
    ),
    (
        (PromptMessage("user", [{"type": "text", "text": "Look"}, IMAGE]),),
        has_images,
        says("messages[0].content must be a string"),
    ),
    (
        (PromptMessage("user", [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]),),
        lambda body: not isinstance(body["messages"][0]["content"], str),
        says("Failed to deserialize the JSON body: messages[0]: invalid type: sequence, expected a string"),
    ),
]


@pytest.mark.parametrize(("prompt", "refuses", "answer"), [*SHAPES, *MORE_SHAPES])
async def test_a_prompt_that_a_template_does_not_take_is_written_in_another_way(
    prompt: tuple[PromptMessage, ...], refuses: Callable[[Body], bool], answer: tuple[int, Body]
):
    async with Refuser([(refuses, answer)]) as server, at(server.url) as provider:
        assert text(await chunks(provider, ModelRequest("m", prompt))) == "fine"
        learned = server.refused
        assert text(await chunks(provider, ModelRequest("m", prompt))) == "fine"
    assert server.refused == learned <= 2


async def test_a_function_without_parameters_has_empty_ones():
    async with Refuser([]) as server, at(server.url) as provider:
        await chunks(provider, ModelRequest("m", (HI,), tools=({"name": "f"},)))
    assert server.asked[0]["tools"][0]["function"]["parameters"] == {"type": "object", "properties": {}}


@pytest.mark.parametrize(
    "words",
    [
        "Invalid max_tokens value, the valid range of max_tokens is [1, 8192]",
        "max_tokens is too large: 100000. This model supports at most 8192 completion tokens",
        "max_tokens: 100000 > 8192, which is the maximum allowed number of output tokens for the model",
        "`max_tokens` must be less than or equal to `8192`, the maximum value for `max_tokens` is less than the window",
    ],
)
async def test_a_maximum_above_that_of_the_model_is_lowered(words: str):
    async with Refuser([(lambda body: body["max_tokens"] > 8192, says(words))]) as server, at(server.url) as provider:
        for maximum in (100_000, 100_000, 5):
            assert text(await chunks(provider, ModelRequest("m", (HI,), max_tokens=maximum))) == "fine"
    assert [body["max_tokens"] for body in server.asked] == [100_000, 8192, 8192, 5]


SCHEMA = {
    "type": "object",
    "properties": {"const": {"type": "string", "const": "a"}},
    "$schema": "x",
    "required": ["const"],
}


async def test_keywords_of_schemas_that_a_server_does_not_know_are_left_out():
    def unknown(keyword: str) -> tuple[int, Body]:
        where = "tools[0].function_declarations[0].parameters"
        return says(f"Invalid JSON payload received. Unknown name \"{keyword}\" at '{where}': Cannot find field.")

    def knows_not(keyword: str) -> Callable[[Body], bool]:
        return lambda body: f'"{keyword}": "' in json.dumps(body["tools"])

    rules = [(knows_not(keyword), unknown(keyword)) for keyword in ("$schema", "const")]
    async with Refuser(rules) as server, at(server.url) as provider:
        tools = ({"name": "f", "parameters": SCHEMA},)
        assert text(await chunks(provider, ModelRequest("m", (HI,), tools=tools))) == "fine"
    expected = {"type": "object", "properties": {"const": {"type": "string"}}, "required": ["const"]}
    assert server.asked[-1]["tools"][0]["function"]["parameters"] == expected


@pytest.mark.parametrize(
    "words",
    [
        "This response_format type is unavailable now",
        "This model does not support response format `json_schema`.",
        "Invalid parameter: 'response_format' of type 'json_schema' is not supported with this model.",
    ],
)
async def test_a_schema_that_a_model_does_not_take_becomes_an_instruction(words: str):
    asked = {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}}
    rule = (lambda body: body["response_format"]["type"] == "json_schema", says(words))
    async with Refuser([rule]) as server, at(server.url) as provider:
        assert text(await chunks(provider, ModelRequest("m", (HI,), response_format=asked))) == "fine"
    assert server.asked[-1]["response_format"] == {"type": "json_object"}
    assert json.dumps(SCHEMA) in server.asked[-1]["messages"][0]["content"]


async def test_a_model_teaches_several_lessons_one_after_the_other():
    refusals = [(has(field), unsupported(field)) for field in ("stream_options", "temperature", "top_p")]
    async with Refuser(refusals) as server, at(server.url) as provider:
        assert text(await chunks(provider, ModelRequest("m", (HI,), options={"temperature": 1, "top_p": 1}))) == "fine"
    assert server.refused == 3


async def test_what_is_learned_of_a_model_says_nothing_of_another():
    async with Refuser([(has("stream_options"), unsupported("stream_options"))]) as server, at(server.url) as provider:
        for model in ("a", "b"):
            await chunks(provider, ModelRequest(model, (HI,)))
    assert server.refused == 2


@pytest.mark.parametrize(
    ("fields", "answer"),
    [
        ({"tools": (TOOL,)}, says("registry.ollama.ai/library/gemma3:270m does not support tools")),
        ({"tools": (TOOL,)}, says('"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser')),
        ({"response_format": {"type": "json_object"}}, unsupported("response_format")),
        ({"options": {"temperature": 0.5}}, says("temperature must be between 0 and 0.4")),
        ({}, says("The prompt has a bad field")),
        ({}, unsupported("messages")),
    ],
)
async def test_what_a_user_cannot_do_without_is_refused_once_with_the_words_of_the_server(
    fields: Body, answer: tuple[int, Body]
):
    async with Refuser([(lambda body: True, answer)]) as server, at(server.url) as provider:
        with pytest.raises(ModelError) as caught:
            await chunks(provider, ModelRequest("m", (HI,), **fields))
    assert (caught.value.code, server.refused) == ("invalid_request", 1)
    assert answer[1]["error"]["message"] in caught.value.message


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://api.openai.com/v1", "openai"),
        ("https://mine.openai.azure.com/openai/deployments/x", "azure"),
        ("https://mine.services.ai.azure.com/models", "azure"),
        ("https://api.anthropic.com/v1", "anthropic"),
        ("https://generativelanguage.googleapis.com/v1beta/openai", "gemini"),
        ("https://europe-west4-aiplatform.googleapis.com/v1", "gemini"),
        ("https://api.mistral.ai/v1", "mistral"),
        ("https://api.deepseek.com", "deepseek"),
        ("https://openrouter.ai/api/v1", "openrouter"),
        ("http://localhost:11434/v1", "ollama"),
        ("http://gpu.local:1234/v1", "lmstudio"),
        ("http://localhost:8000/v1", "generic"),
        ("https://not-api.openai.com.evil.example/v1", "generic"),
    ],
)
def test_an_address_tells_the_family_of_its_server(url: str, name: str):
    assert detect_profile(url) is PROFILES[name]

"""Prompts of all kinds that a thread can lead to."""

from typing import Any

from projectdavid.engine.prompt import ModelRequest, PromptCall, PromptMessage
from tests.providers.vendors.talking import MODEL

PIXEL = "data:image/png;base64,iVBORw0KGgo="
SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"], "additionalProperties": False}
TOOLS = (
    {"name": "f", "description": "Adds.", "parameters": SCHEMA, "strict": True},
    {"name": "g", "description": None, "parameters": None, "strict": None},
)
SYSTEM = PromptMessage("system", "Be brief.")
USER = PromptMessage("user", "Add, please.")
CALLS = PromptMessage("assistant", "Wait.", (PromptCall("call_1", "f", '{"n":1}'), PromptCall("call_2", "g", "")))
OUTPUTS = (PromptMessage("tool", "2", call_id="call_1"), PromptMessage("tool", "", call_id="call_2"))
LOOP = (SYSTEM, USER, CALLS, *OUTPUTS)
IMAGE = PromptMessage(
    "user",
    [
        {"type": "text", "text": "What is it?"},
        {"type": "image_url", "image_url": {"url": PIXEL, "detail": "low"}},
    ],
)
LINKED = PromptMessage("user", [{"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}])


def request(*messages: PromptMessage, **fields: Any) -> ModelRequest:
    """A request with these messages."""
    return ModelRequest(MODEL, messages, **fields)


_FORMAT = {"type": "json_schema", "json_schema": {"name": "number", "schema": SCHEMA, "strict": True}}
_ONE = {"type": "function", "function": {"name": "f"}}
REQUESTS: dict[str, ModelRequest] = {
    "plain": request(USER),
    "everything": request(
        *LOOP,
        USER,
        tools=TOOLS,
        tool_choice="required",
        parallel_tool_calls=False,
        max_tokens=50,
        options={"temperature": 0.5, "top_p": None},
    ),
    "schema": request(SYSTEM, USER, response_format=_FORMAT),
    "json": request(USER, response_format={"type": "json_object"}),
    "text": request(USER, response_format={"type": "text"}),
    "one function": request(USER, tools=TOOLS, tool_choice=_ONE),
    "no function": request(*LOOP, tools=TOOLS, tool_choice="none"),
    "tools are gone": request(*LOOP),
    "reasoning": request(USER, options={"reasoning_effort": "high"}),
    "minimal reasoning": request(USER, options={"reasoning_effort": "minimal"}),
    "no reasoning": request(USER, options={"reasoning_effort": "none"}),
    "image": request(IMAGE),
    "linked image": request(LINKED),
    "system only": request(SYSTEM),
    "two users in a row": request(USER, USER),
    "assistant first": request(PromptMessage("assistant", "Hello."), USER),
    "assistant last": request(USER, PromptMessage("assistant", "Hello.")),
    "calls first": request(CALLS, *OUTPUTS),
    "empty content": request(USER, PromptMessage("assistant", ""), PromptMessage("user", []), USER),
    "blank content": request(PromptMessage("user", " ")),
    "output without a call": request(USER, PromptMessage("tool", "late", call_id="call_9")),
    "half arguments": request(USER, PromptMessage("assistant", "", (PromptCall("c", "f", '{"a'),)), OUTPUTS[0]),
    "129 tools": request(USER, tools=tuple({"name": f"f{n}", "parameters": {}} for n in range(129))),
    "1,000 enum values": request(
        USER, tools=({"name": "f", "parameters": {"properties": {"a": {"enum": [f"v{n}" for n in range(1000)]}}}},)
    ),
    "boolean schema": request(USER, tools=({"name": "f", "parameters": True},)),
    "schema with $id": request(
        USER, tools=({"name": "f", "parameters": {"$id": "x", "type": "object", "$dynamicRef": "#a"}},)
    ),
    "hot": request(USER, options={"temperature": 1.7}),
}
"""Requests by their name."""

"""The demo model: a script that needs no key and no network, and says in its answers that it is one."""

import asyncio
import json
import re
from collections.abc import AsyncGenerator, Iterator, Sequence
from typing import Any

from projectdavid.adapters.providers.scripted.code_writer import commands_for, python_for, summarize_output
from projectdavid.engine.deltas import CallPart, Chunk, FinishDelta, TextDelta, TokenUsage
from projectdavid.engine.prompt import ModelRequest, PromptMessage, estimate
from projectdavid.engine.quotes import find_quote
from projectdavid.ports.model import NO_FACTS, ModelError, ModelFacts

WHO = "I am the demo model of projectdavid: a script, not a mind."
REAL = "Set OPENAI_BASE_URL and OPENAI_API_KEY, or OLLAMA_HOST, and start the server again to talk to a real model."
QUERIES = {
    "file_search": lambda question: {"query": question[:4000]},
    "perform_web_search": lambda question: {"query": question[:400]},
}
"""Arguments for tools that search."""
CODE = {
    "code_interpreter": lambda question: {"code": python_for(question)},
    "computer": lambda question: {"commands": commands_for(question)},
}
"""Arguments for tools that run code."""
_PASSAGE = re.compile(
    r"^(?P<mark>【[^】]*】)[^\n]*\n(?:attributes: [^\n]*\n)?(?P<line>-{5} [0-9a-f]+ -{5})\n(?P<text>.+?)\n(?P=line)",
    re.DOTALL | re.MULTILINE,
)
"""The best result of `file_search`."""
SAMPLES: dict[str, Any] = {"boolean": True, "array": [], "object": {}, "null": None}


class DemoProvider:
    """A model that calls a function if one is offered, repeats its output, and echoes everything else.

    For `code_interpreter` and `computer`, it derives code or commands from the question; for `file_search`, it cites
    the most relevant sentence.
    """

    def __init__(self, delay: float = 0.02) -> None:
        self._delay = delay
        """Seconds between two words."""

    async def stream(self, ask: ModelRequest) -> AsyncGenerator[Sequence[Chunk]]:
        """Yield the answer word by word."""
        question = _find_question(ask.messages)
        outputs = _list_outputs(ask.messages)
        if ask.tools and not outputs and ask.tool_choice != "none":
            for chunks in _build_call(_choose_function(ask, question), question):
                yield chunks
            return
        match _find_last_call(ask.messages):
            case "file_search":
                text = _cite(question, outputs[-1])
            case called:
                text = _report_results(outputs) if called in CODE else _reply(question, outputs)
        for word in re.findall(r"\S+\s*", text):
            yield [TextDelta((word,))]
            await asyncio.sleep(self._delay)
        yield [
            FinishDelta("stop"),
            TokenUsage(ask.prompt_tokens, estimate(PromptMessage("assistant", text)), estimated=True),
        ]

    async def models(self) -> list[str]:
        """Return its only model."""
        return ["assistant"]

    async def facts(self, model: str) -> ModelFacts:  # noqa: ARG002 - the same for all models
        """Return no facts: a script has no context window."""
        return NO_FACTS

    async def delete(self, model: str) -> None:
        """Reject the deletion.

        Raises:
            ModelError: always.
        """
        raise ModelError("invalid_request", f"The model '{model}' is part of the platform and cannot be deleted.")

    async def close(self) -> None:
        """Do nothing: it holds no resources."""


def _text_of(message: PromptMessage) -> str:
    if isinstance(message.content, str):
        return message.content
    return " ".join(block["text"] for block in message.content if block.get("type") == "text")


def _find_question(messages: Sequence[PromptMessage]) -> str:
    return next((_text_of(message) for message in reversed(messages) if message.role == "user"), "")


def _list_outputs(messages: Sequence[PromptMessage]) -> list[str]:
    """Return the tool outputs since the last user message."""
    outputs: list[str] = []
    for message in reversed(messages):
        if message.role == "user":
            break
        if message.role == "tool":
            outputs.append(_text_of(message))
    return outputs[::-1]


def _find_last_call(messages: Sequence[PromptMessage]) -> str | None:
    """Return the name of the last function called since the last user message."""
    for message in reversed(messages):
        if message.role == "user":
            break
        if message.calls:
            return message.calls[-1].name
    return None


def _report_results(outputs: list[str]) -> str:
    result = "\n".join(map(summarize_output, outputs))
    result = f"\n\n{result}\n\n" if "\n" in result else f" {result}. "
    return f"{WHO} I wrote code for this, and what it says is:{result}{REAL}"


def _cite(question: str, output: str) -> str:
    """Return the most relevant sentence of the best passage, with the mark that cites it."""
    passage = _PASSAGE.search(output)
    if passage is None:
        return f"{WHO} I searched the files, and found nothing. {REAL}"
    start, end = find_quote(passage["text"], question)
    sentence = " ".join(passage["text"][start:end].split())
    return f"{WHO} I searched the files, and what says most is: {sentence} {passage['mark']}\n\n{REAL}"


def _reply(question: str, outputs: list[str]) -> str:
    if outputs:
        return f"{WHO} I called your function, and it answered: {' / '.join(outputs)}. {REAL}"
    return f"{WHO} You said: “{question}”. {REAL}"


def _choose_function(ask: ModelRequest, question: str) -> dict[str, Any]:
    """Return the required function, or the one whose name shares most words with the question."""
    if isinstance(ask.tool_choice, dict):
        wanted = ask.tool_choice["function"]["name"]
        return next((tool for tool in ask.tools if tool["name"] == wanted), ask.tools[0])
    words = set(re.findall(r"\w+", question.lower()))
    return max(ask.tools, key=lambda tool: len(words & set(re.findall(r"[a-z0-9]+", tool["name"].lower()))))


def _build_call(function: dict[str, Any], question: str) -> list[Sequence[Chunk]]:
    schema: dict[str, Any] = function.get("parameters") or {}
    properties: dict[str, Any] = schema.get("properties", {})
    wanted = schema.get("required") or list(properties)[:1]
    numbers = iter(re.findall(r"-?\d+(?:\.\d+)?", question))
    made = {name: _build_value(properties.get(name, {}), question, numbers) for name in wanted}
    known = CODE | QUERIES
    arguments = json.dumps(known[function["name"]](question) if function["name"] in known else made)
    half = len(arguments) // 2
    return [
        [CallPart(0, "call_demo", function["name"])],
        [CallPart(0, arguments=arguments[:half])],
        [CallPart(0, arguments=arguments[half:])],
        [FinishDelta("tool_calls"), TokenUsage(20, 10, estimated=True)],
    ]


def _build_value(field: dict[str, Any], question: str, numbers: Iterator[str]) -> Any:
    """Return a value of the right type, from the question if possible: each number once, in order."""
    if field.get("enum"):
        return field["enum"][0]
    match field.get("type"):
        case "integer":
            return int(float(next(numbers, "1")))
        case "number":
            return float(next(numbers, "1"))
        case "string" | None:
            names = re.findall(r"(?<!^)(?<![.!?] )\b[A-Z]\w+", question)
            return names[-1] if names else question
        case kind:
            return SAMPLES.get(str(kind))

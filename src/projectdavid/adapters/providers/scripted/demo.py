"""The model of the demo: it needs no key and no network, does not think, and says so."""

import asyncio
import json
import re
from collections.abc import AsyncGenerator, Iterator, Sequence
from typing import Any

from projectdavid.adapters.providers.scripted.code_writer import commands_for, essence, python_for
from projectdavid.engine.deltas import CallPart, Chunk, FinishDelta, TextDelta, TokenUsage
from projectdavid.engine.prompt import ModelRequest, PromptMessage, estimate
from projectdavid.engine.quotes import find_quote
from projectdavid.ports.model import NO_FACTS, ModelError, ModelFacts

WHO = "I am the demo model of projectdavid: a script, not a mind."
REAL = "Set OPENAI_BASE_URL and OPENAI_API_KEY, or OLLAMA_HOST, and start the server again to talk to a real model."
QUERIES = {
    "file_search": lambda said: {"query": said[:4000]},
    "perform_web_search": lambda said: {"query": said[:400]},
}
"""What it gives the tools that search."""
CODE = {
    "code_interpreter": lambda said: {"code": python_for(said)},
    "computer": lambda said: {"commands": commands_for(said)},
}
"""What it gives the tools that run code."""
_PASSAGE = re.compile(
    r"^(?P<mark>【[^】]*】)[^\n]*\n(?:attributes: [^\n]*\n)?(?P<line>-{5} [0-9a-f]+ -{5})\n(?P<text>.+?)\n(?P=line)",
    re.DOTALL | re.MULTILINE,
)
"""The best result of `file_search`."""
SAMPLES: dict[str, Any] = {"boolean": True, "array": [], "object": {}, "null": None}


class DemoProvider:
    """Calls a function if one is offered, repeats its output, and echoes everything else.

    Offered `code_interpreter` or `computer`, it makes code or commands out of what the user said; offered
    `file_search`, it cites the sentence that says most about it.
    """

    def __init__(self, delay: float = 0.02) -> None:
        self._delay = delay
        """Seconds between two words."""

    async def stream(self, ask: ModelRequest) -> AsyncGenerator[Sequence[Chunk]]:
        """Answer, word by word."""
        said = _last_words(ask.messages)
        outputs = _outputs(ask.messages)
        if ask.tools and not outputs and ask.tool_choice != "none":
            for chunks in _call(_chosen(ask, said), said):
                yield chunks
            return
        match _called(ask.messages):
            case "file_search":
                text = _found(said, outputs[-1])
            case called:
                text = _ran(outputs) if called in CODE else _answer(said, outputs)
        for word in re.findall(r"\S+\s*", text):
            yield [TextDelta((word,))]
            await asyncio.sleep(self._delay)
        yield [
            FinishDelta("stop"),
            TokenUsage(ask.prompt_tokens, estimate(PromptMessage("assistant", text)), estimated=True),
        ]

    async def models(self) -> list[str]:
        """The one model there is."""
        return ["assistant"]

    async def facts(self, model: str) -> ModelFacts:  # noqa: ARG002 - the same for all
        """Nothing: a script has no window."""
        return NO_FACTS

    async def delete(self, model: str) -> None:
        """It stays.

        Raises:
            ModelError: always.
        """
        raise ModelError("invalid_request", f"The model '{model}' is part of the platform, and is not deleted.")

    async def close(self) -> None:
        """No resources to release."""


def _plain(message: PromptMessage) -> str:
    if isinstance(message.content, str):
        return message.content
    return " ".join(block["text"] for block in message.content if block.get("type") == "text")


def _last_words(messages: Sequence[PromptMessage]) -> str:
    return next((_plain(message) for message in reversed(messages) if message.role == "user"), "")


def _outputs(messages: Sequence[PromptMessage]) -> list[str]:
    """What functions answered since the user last spoke."""
    outputs: list[str] = []
    for message in reversed(messages):
        if message.role == "user":
            break
        if message.role == "tool":
            outputs.append(_plain(message))
    return outputs[::-1]


def _called(messages: Sequence[PromptMessage]) -> str | None:
    """The function that was called last since the user spoke."""
    for message in reversed(messages):
        if message.role == "user":
            break
        if message.calls:
            return message.calls[-1].name
    return None


def _ran(outputs: list[str]) -> str:
    said = "\n".join(map(essence, outputs))
    said = f"\n\n{said}\n\n" if "\n" in said else f" {said}. "
    return f"{WHO} I wrote code for this, and what it says is:{said}{REAL}"


def _found(said: str, output: str) -> str:
    """The sentence of the best passage that says most about the question, and the mark by which it is cited."""
    passage = _PASSAGE.search(output)
    if passage is None:
        return f"{WHO} I searched the files, and found nothing. {REAL}"
    start, end = find_quote(passage["text"], said)
    sentence = " ".join(passage["text"][start:end].split())
    return f"{WHO} I searched the files, and what says most is: {sentence} {passage['mark']}\n\n{REAL}"


def _answer(said: str, outputs: list[str]) -> str:
    if outputs:
        return f"{WHO} I called your function, and it answered: {' / '.join(outputs)}. {REAL}"
    return f"{WHO} You said: “{said}”. {REAL}"


def _chosen(ask: ModelRequest, said: str) -> dict[str, Any]:
    """The function that the words of the user name most, or the one that the caller demands."""
    if isinstance(ask.tool_choice, dict):
        wanted = ask.tool_choice["function"]["name"]
        return next((tool for tool in ask.tools if tool["name"] == wanted), ask.tools[0])
    words = set(re.findall(r"\w+", said.lower()))
    return max(ask.tools, key=lambda tool: len(words & set(re.findall(r"[a-z0-9]+", tool["name"].lower()))))


def _call(function: dict[str, Any], said: str) -> list[Sequence[Chunk]]:
    schema: dict[str, Any] = function.get("parameters") or {}
    properties: dict[str, Any] = schema.get("properties", {})
    wanted = schema.get("required") or list(properties)[:1]
    numbers = iter(re.findall(r"-?\d+(?:\.\d+)?", said))
    made = {name: _value(properties.get(name, {}), said, numbers) for name in wanted}
    known = CODE | QUERIES
    arguments = json.dumps(known[function["name"]](said) if function["name"] in known else made)
    half = len(arguments) // 2
    return [
        [CallPart(0, "call_demo", function["name"])],
        [CallPart(0, arguments=arguments[:half])],
        [CallPart(0, arguments=arguments[half:])],
        [FinishDelta("tool_calls"), TokenUsage(20, 10, estimated=True)],
    ]


def _value(field: dict[str, Any], said: str, numbers: Iterator[str]) -> Any:
    """Something of the right type, out of what the user said where that is possible: each number once, in order."""
    if field.get("enum"):
        return field["enum"][0]
    match field.get("type"):
        case "integer":
            return int(float(next(numbers, "1")))
        case "number":
            return float(next(numbers, "1"))
        case "string" | None:
            names = re.findall(r"(?<!^)(?<![.!?] )\b[A-Z]\w+", said)
            return names[-1] if names else said
        case kind:
            return SAMPLES.get(str(kind))

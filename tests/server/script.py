"""What the scripted model of these tests does: the model's name says it."""

import asyncio
import json
import re
from collections.abc import Callable

from projectdavid.adapters.providers.scripted import ScriptedProvider, say
from projectdavid.adapters.providers.scripted.script import Scene
from projectdavid.engine.deltas import CallPart, FinishDelta, ReasoningDelta, TextDelta, TokenUsage
from projectdavid.engine.prompt import ModelRequest
from projectdavid.ports.model import ModelError


def call(*calls: tuple[str, str]) -> Scene:
    """The model calls functions: pairs of name and arguments."""
    parts = [CallPart(index, f"call_{index}", name, arguments) for index, (name, arguments) in enumerate(calls)]
    return [parts, [FinishDelta("tool_calls"), TokenUsage(20, 5)]]


def _calling(*calls: tuple[str, str]) -> Callable[[ModelRequest], Scene]:
    """Calls functions when the user spoke last; tells what came back once they are answered."""

    def scene(ask: ModelRequest) -> Scene:
        spoken = max((index for index, message in enumerate(ask.messages) if message.role == "user"), default=0)
        outputs = [str(message.content) for message in ask.messages[spoken:] if message.role == "tool"]
        return say("They said: " + " and ".join(outputs)) if outputs else call(*calls)

    return scene


def _citing(ask: ModelRequest) -> Scene:
    """Searches files for what the user said; then cites the best result, and one that nobody has found."""
    spoken = max(index for index, message in enumerate(ask.messages) if message.role == "user")
    question = str(ask.messages[spoken].content)
    outputs = [str(message.content) for message in ask.messages[spoken:] if message.role == "tool"]
    if not outputs:
        return call(("file_search", json.dumps({"query": question})))
    marks = re.findall("【[^】]*】", outputs[-1])
    text = f"{question.rstrip('?.')}{''.join(marks[:1])}. The moon is cheese【999999:7†moon.pdf】. 【So】."
    return [[TextDelta((text[at : at + 3],))] for at in range(0, len(text), 3)] + [
        [FinishDelta("stop"), TokenUsage(10, 9)]
    ]


def _remembering(ask: ModelRequest) -> Scene:
    """Calls a function, then answers; the provider reads most of both prompts from its cache."""
    if any(message.role == "tool" for message in ask.messages):
        return [
            [TextDelta(("Rain.",))],
            [FinishDelta("stop"), TokenUsage(150, 30, cached_tokens=128, reasoning_tokens=8)],
        ]
    asked = CallPart(0, "call_0", "get_weather", '{"city": "Oslo"}')
    return [[asked], [FinishDelta("tool_calls"), TokenUsage(100, 20, cached_tokens=64, reasoning_tokens=12)]]


SCENES: dict[str, Callable[[ModelRequest], Scene]] = {
    "echo": lambda ask: say(str(ask.messages[-1].content)),
    "thinker": lambda ask: [[ReasoningDelta(("Hm. ", "So."))], *say("Four.")],
    "caller": _calling(("get_weather", '{"city": "Oslo"}')),
    "two_calls": _calling(("get_weather", '{"city": "Oslo"}'), ("get_weather", '{"city": "Rome"}')),
    "cacher": _remembering,
    "coder": _calling(("code_interpreter", '{"code": "1 + 1"}')),
    "citer": _citing,
    "sheller": _calling(("computer", '{"commands": ["ls", "false"]}')),
    "silent": lambda ask: [[TextDelta(("I begin",))], asyncio.Event()],
    "broken": lambda ask: [[TextDelta(("I break",))], ModelError("server_error", "The model fell over.")],
}


def player() -> ScriptedProvider:
    """A provider with these scenes; any other name says hello."""
    return ScriptedProvider(scene_for=lambda ask: SCENES.get(ask.model, lambda _: say("Hello from the script."))(ask))

"""What the scripted model of these tests does: the model's name says it. Text comes in several reads."""

import asyncio
import json
from collections.abc import Callable, Sequence

from projectdavid.engine.deltas import CallPart, Chunk, Finish, Refusal, Text, Usage
from projectdavid.engine.prompt import Ask
from projectdavid.ports.model import ModelError
from projectdavid.providers.scripted import ScriptedProvider
from projectdavid.providers.scripted.script import Scene
from tests.server.script import SCENES as SHARED

Play = Callable[[Ask], Scene]
OSLO = ("get_weather", '{"city": "Oslo"}')
ROME = ("get_weather", '{"city": "Rome"}')
SHELL = ("computer", '{"commands": ["ls", "false"]}')
SUM = ("code_interpreter", '{"code": "print(1 + 1)"}')
HELLO = "Hello from the script."
REPORT = "See the [table](sandbox:/mnt/data/table.csv) there."


def spoken(*texts: str, finish: str = "stop", usage: tuple[int, int] = (10, 4)) -> Scene:
    """The model says these texts, each in a read of its own."""
    return [*([Text((text,))] for text in texts), [Finish(finish), Usage(*usage)]]


def words(text: str) -> Scene:
    """The model says a text word by word."""
    first, *others = text.split(" ")
    return spoken(first, *(f" {word}" for word in others))


def calls(*wanted: tuple[str, str], said: str = "") -> Scene:
    """The model says something and calls functions; arguments come in pieces."""
    reads: list[Sequence[Chunk]] = [[Text((said,))]] if said else []
    for index, (name, arguments) in enumerate(wanted):
        half = len(arguments) // 2
        reads.append([CallPart(index, f"call_{index}", name)])
        reads += [[CallPart(index, arguments=piece)] for piece in (arguments[:half], arguments[half:])]
    return [*reads, [Finish("tool_calls"), Usage(20, 5)]]


def outputs(ask: Ask) -> list[str]:
    """What functions answered since the user last spoke."""
    last = max((index for index, message in enumerate(ask.messages) if message.role == "user"), default=0)
    return [str(message.content) for message in ask.messages[last:] if message.role == "tool"]


def calling(*wanted: tuple[str, str], said: str = "", then: str | None = None) -> Play:
    """Calls functions, all at once; tells what they answered, or says `then`."""

    def play(ask: Ask) -> Scene:
        got = outputs(ask)
        return words(then or "They said: " + " and ".join(got)) if got else calls(*wanted, said=said)

    return play


def chain(ask: Ask) -> Scene:
    """Calls a function, then another, then tells what both answered."""
    got = outputs(ask)
    return calls((OSLO, ROME)[len(got)]) if len(got) < 2 else words("They said: " + " and ".join(got))


def mirror(ask: Ask) -> Scene:
    """Says what it was asked, as JSON."""
    asked = {
        "messages": [[message.role, message.content] for message in ask.messages],
        "tools": [tool["name"] for tool in ask.tools],
        "tool_choice": ask.tool_choice,
        "parallel_tool_calls": ask.parallel_tool_calls,
        "temperature": ask.temperature,
        "top_p": ask.top_p,
        "max_tokens": ask.max_tokens,
        "response_format": ask.response_format,
        "reasoning_effort": ask.reasoning_effort,
    }
    return spoken(json.dumps(asked))


def stumbling(*reads: Sequence[Chunk]) -> Play:
    """Breaks off behind these reads; when it is asked the same again, says hello."""
    asked: set[str] = set()

    def play(ask: Ask) -> Scene:
        said = str(ask.messages[-1].content)
        if said in asked:
            return words(HELLO)
        asked.add(said)
        return [*reads, ModelError("connection_error", "It broke off.", retryable=True, retry_after=0)]

    return play


PLAYS: dict[str, Play] = {
    "mirror": mirror,
    "caller": calling(OSLO),
    "two_calls": calling(OSLO, ROME),
    "talker": calling(OSLO, said="Let me look."),
    "mixer": calling(SUM, OSLO),
    "chain": chain,
    "cacher": SHARED["cacher"],
    "citer": SHARED["citer"],
    "coder": calling(SUM, then=REPORT),
    "sheller": calling(SHELL),
    "silent": lambda ask: [[Text(("I begin",))], asyncio.Event()],
    "mute": lambda ask: [asyncio.Event()],
    "broken": lambda ask: [[Text(("I break",))], ModelError("server_error", "The model fell over.")],
    "stumbler": stumbling([Text(("I stumble",))]),
    "dropper": stumbling([CallPart(0, "call_0", "get_weather")], [CallPart(0, arguments='{"ci')]),
    "limited": lambda ask: [ModelError("rate_limit_exceeded", "Too much.")],
    "short": lambda ask: spoken("I stop", " in the mid", finish="length"),
    "refuser": lambda ask: [
        [Refusal(("I can not ",))],
        [Refusal(("help with that.",))],
        [Finish("stop"), Usage(10, 4)],
    ],
    "filtered": lambda ask: spoken("I must", finish="content_filter"),
}


def player() -> ScriptedProvider:
    """A provider with these scenes; any other name says hello."""
    return ScriptedProvider(scene_for=lambda ask: PLAYS.get(ask.model, lambda _: words(HELLO))(ask))

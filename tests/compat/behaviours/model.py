"""What the scripted model of these tests does: the model's name says it. Text comes in several reads."""

import asyncio
import json
from collections.abc import Callable, Sequence

from projectdavid.adapters.providers.scripted import ScriptedProvider
from projectdavid.adapters.providers.scripted.script import Scene
from projectdavid.engine.deltas import CallPart, Chunk, FinishDelta, RefusalDelta, TextDelta, TokenUsage
from projectdavid.engine.prompt import ModelRequest
from projectdavid.ports.model import ModelError
from tests.server.script import SCENES as SHARED

Play = Callable[[ModelRequest], Scene]
OSLO = ("get_weather", '{"city": "Oslo"}')
ROME = ("get_weather", '{"city": "Rome"}')
SHELL = ("computer", '{"commands": ["ls", "false"]}')
SUM = ("code_interpreter", '{"code": "print(1 + 1)"}')
HELLO = "Hello from the script."
ODD = "a\u2028b\u2029c\x85d\x0b\x1c\u2014"
"""With all characters that some readers take for the end of a line."""
REPORT = "See the [table](sandbox:/mnt/data/table.csv) there."


def spoken(*texts: str, finish: str = "stop", usage: tuple[int, int] = (10, 4)) -> Scene:
    """The model says these texts, each in a read of its own."""
    return [*([TextDelta((text,))] for text in texts), [FinishDelta(finish), TokenUsage(*usage)]]


def words(text: str) -> Scene:
    """The model says a text word by word."""
    first, *others = text.split(" ")
    return spoken(first, *(f" {word}" for word in others))


def calls(*wanted: tuple[str, str], said: str = "") -> Scene:
    """The model says something and calls functions; arguments come in pieces."""
    reads: list[Sequence[Chunk]] = [[TextDelta((said,))]] if said else []
    for index, (name, arguments) in enumerate(wanted):
        half = len(arguments) // 2
        reads.append([CallPart(index, f"call_{index}", name)])
        reads += [[CallPart(index, arguments=piece)] for piece in (arguments[:half], arguments[half:])]
    return [*reads, [FinishDelta("tool_calls"), TokenUsage(20, 5)]]


def outputs(ask: ModelRequest) -> list[str]:
    """What functions answered since the user last spoke."""
    last = max((index for index, message in enumerate(ask.messages) if message.role == "user"), default=0)
    return [str(message.content) for message in ask.messages[last:] if message.role == "tool"]


def calling(*wanted: tuple[str, str], said: str = "", then: str | None = None) -> Play:
    """Calls functions, all at once; tells what they answered, or says `then`."""

    def play(ask: ModelRequest) -> Scene:
        got = outputs(ask)
        return words(then or "They said: " + " and ".join(got)) if got else calls(*wanted, said=said)

    return play


def chain(ask: ModelRequest) -> Scene:
    """Calls a function, then another, then tells what both answered."""
    got = outputs(ask)
    return calls((OSLO, ROME)[len(got)]) if len(got) < 2 else words("They said: " + " and ".join(got))


def mirror(ask: ModelRequest) -> Scene:
    """Says what it was asked, as JSON."""
    asked = {
        "messages": [[message.role, message.content] for message in ask.messages],
        "tools": [tool["name"] for tool in ask.tools],
        "tool_choice": ask.tool_choice,
        "parallel_tool_calls": ask.parallel_tool_calls,
        **ask.options,
        "max_tokens": ask.max_tokens,
        "response_format": ask.response_format,
    }
    return spoken(json.dumps(asked))


def stumbling(*reads: Sequence[Chunk]) -> Play:
    """Breaks off behind these reads; when it is asked the same again, says hello."""
    asked: set[str] = set()

    def play(ask: ModelRequest) -> Scene:
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
    "separator": lambda ask: spoken(ODD[:3], ODD[3:]),
    "crowd": calling(*[OSLO] * 300, then="All answered."),
    "talker": calling(OSLO, said="Let me look."),
    "mixer": calling(SUM, OSLO),
    "chain": chain,
    "cacher": SHARED["cacher"],
    "citer": SHARED["citer"],
    "coder": calling(SUM, then=REPORT),
    "sheller": calling(SHELL),
    "silent": lambda ask: [[TextDelta(("I begin",))], asyncio.Event()],
    "mute": lambda ask: [asyncio.Event()],
    "broken": lambda ask: [[TextDelta(("I break",))], ModelError("server_error", "The model fell over.")],
    "stumbler": stumbling([TextDelta(("I stumble",))]),
    "dropper": stumbling([CallPart(0, "call_0", "get_weather")], [CallPart(0, arguments='{"ci')]),
    "picky": lambda ask: [ModelError("invalid_request", "Unsupported parameter: 'temperature'.")],
    "moderated": lambda ask: [ModelError("invalid_prompt", "It refuses what the prompt says.")],
    "long": lambda ask: [ModelError("context_length_exceeded", "The prompt is too long.")],
    "limited": lambda ask: [ModelError("rate_limit_exceeded", "Too much.")],
    "short": lambda ask: spoken("I stop", " in the mid", finish="length"),
    "refuser": lambda ask: [
        [RefusalDelta(("I can not ",))],
        [RefusalDelta(("help with that.",))],
        [FinishDelta("stop"), TokenUsage(10, 4)],
    ],
    "filtered": lambda ask: spoken("I must", finish="content_filter"),
}


def player() -> ScriptedProvider:
    """A provider with these scenes; any other name says hello."""
    return ScriptedProvider(scene_for=lambda ask: PLAYS.get(ask.model, lambda _: words(HELLO))(ask))

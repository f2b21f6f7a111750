"""A model whose answers wait for the test."""

import asyncio
import json
import threading
from collections.abc import Callable

from projectdavid.adapters.providers.scripted import ScriptedProvider, say
from projectdavid.adapters.providers.scripted.script import Scene
from projectdavid.engine.deltas import CallPart, Chunk, FinishDelta, TextDelta, TokenUsage
from projectdavid.engine.prompt import ModelRequest
from projectdavid.ports.model import ModelError

HOSTILE = (
    "<script>window.hit = 1</script><img src=x onerror='window.hit = 2'>"
    "<iframe srcdoc='<script>parent.hit = 3</script>'></iframe><svg onload='window.hit = 4'></svg>"
    "<style>@import url(https://evil.example/a.css);</style>"
    "\n\n[link](javascript:window.hit=5) [data](data:text/html,hit=6) ![image](https://evil.example/a.png)"
    "\n\n```mermaid\ngraph TD; A[<img src=x onerror=hit=7>]\n```\n"
)
"""Text that would do something if it were not shown as text."""

PARAGRAPHS = [f"Paragraph {number} says: {'lorem ipsum dolor sit amet ' * 6}." for number in range(40)]


class Stage:
    """Models: `paused` stops in the middle of an answer until `release`, `retry` breaks off, `hostile` attacks."""

    def __init__(self) -> None:
        self._released: dict[str, asyncio.Event] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lock = threading.Lock()
        self._failed: set[str] = set()
        scenes: dict[str, Callable[[str, ModelRequest], Scene]] = {
            "paused": self._pause,
            "retry": self._retry,
            "hostile": _attack,
        }
        self.provider = ScriptedProvider(
            scene_for=lambda ask: scenes.get(ask.model, lambda *_: say("Hello."))(find_question(ask), ask)
        )

    def release(self, question: str) -> None:
        """Let the answer to this question go on."""
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._gate(question).set)

    def _gate(self, question: str) -> asyncio.Event:
        with self._lock:
            return self._released.setdefault(question, asyncio.Event())

    def _pause(self, question: str, _: ModelRequest) -> Scene:
        self._loop = asyncio.get_running_loop()
        half = len(PARAGRAPHS) // 2
        return [
            *map(_write, PARAGRAPHS[:half]),
            self._gate(question),
            *map(_write, PARAGRAPHS[half:]),
            [FinishDelta("stop"), TokenUsage(10, 400)],
        ]

    def _retry(self, question: str, _: ModelRequest) -> Scene:
        if question in self._failed:
            return say("Here is the whole answer.")
        self._failed.add(question)
        return [[TextDelta(("This will not last.",))], ModelError("server_error", "It broke off.", retryable=True)]


def find_question(ask: ModelRequest) -> str:
    """Return the last text of the user."""
    return next(str(message.content) for message in reversed(ask.messages) if message.role == "user")


def _attack(_: str, ask: ModelRequest) -> Scene:
    if ask.messages[-1].role == "tool":
        return say(HOSTILE)
    call = CallPart(0, "call_0", "get_weather", json.dumps({"city": HOSTILE}))
    return [[call], [FinishDelta("tool_calls"), TokenUsage(20, 5)]]


def _write(paragraph: str) -> list[Chunk]:
    return [TextDelta((f"{paragraph}\n\n",))]

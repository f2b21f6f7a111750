"""A provider that replays a script: each call plays the next scene."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence

from projectdavid.engine.deltas import Chunk, FinishDelta, TextDelta, TokenUsage
from projectdavid.engine.prompt import ModelRequest
from projectdavid.ports.model import NO_FACTS, ModelError, ModelFacts

Scene = Sequence[Sequence[Chunk] | ModelError | asyncio.Event]
"""What one call does, in order: chunks that come together, an event to wait for, or an error to raise."""


def say(text: str) -> Scene:
    """A scene that says a text, word by word, in one read."""
    words = text.split(" ")
    parts = tuple(word if index == 0 else f" {word}" for index, word in enumerate(words))
    return [[TextDelta(parts)], [FinishDelta("stop"), TokenUsage(10, len(words))]]


class ScriptedProvider:
    """Plays scenes in order, and again from the first when they run out; or asks `scene_for` for each.

    `asked` holds every question, `finished` how many were answered to their end, `closed` how many were cut off.
    """

    def __init__(self, scenes: Sequence[Scene] = (), scene_for: Callable[[ModelRequest], Scene] | None = None) -> None:
        self._scenes = list(scenes) or [say("Hello from the script.")]
        self._scene_for = scene_for
        self.asked: list[ModelRequest] = []
        self.finished = 0
        self.closed = 0

    async def stream(self, ask: ModelRequest) -> AsyncGenerator[Sequence[Chunk]]:
        """Play the scene of this call."""
        scene = self._scene_for(ask) if self._scene_for else self._scenes[len(self.asked) % len(self._scenes)]
        self.asked.append(ask)
        whole = False
        try:
            for step in scene:
                if isinstance(step, ModelError):
                    raise step
                if isinstance(step, asyncio.Event):
                    await step.wait()
                else:
                    yield step
            whole = True
        finally:
            self.finished += whole
            self.closed += not whole

    async def models(self) -> list[str]:
        """One name; any other is played as well."""
        return ["script"]

    async def facts(self, model: str) -> ModelFacts:  # noqa: ARG002 - the same for all
        """Nothing: a script has no window."""
        return NO_FACTS

    async def delete(self, model: str) -> None:
        """Forget a model; of this one, there is no other."""
        if model not in await self.models():
            raise ModelError("model_not_found", f"There is no model '{model}'.")

    async def close(self) -> None:
        """No resources to release."""

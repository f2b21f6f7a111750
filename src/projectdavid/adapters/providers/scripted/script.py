"""A provider that replays a script: each call plays the next scene."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence

from projectdavid.engine.deltas import Chunk, FinishDelta, TextDelta, TokenUsage
from projectdavid.engine.prompt import ModelRequest
from projectdavid.ports.model import NO_FACTS, ModelError, ModelFacts

Scene = Sequence[Sequence[Chunk] | ModelError | asyncio.Event]
"""The steps of one call, in order: chunks of one read, an event to wait for, or an error to raise."""


def say(text: str) -> Scene:
    """Return a scene that yields a text word by word, in one read."""
    words = text.split(" ")
    parts = tuple(word if index == 0 else f" {word}" for index, word in enumerate(words))
    return [[TextDelta(parts)], [FinishDelta("stop"), TokenUsage(10, len(words))]]


class ScriptedProvider:
    """A provider that plays scenes in order, starting again after the last, or the scene that `scene_for` returns.

    `asked` lists all requests; `finished` counts the complete answers, `closed` the interrupted ones.
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
        complete = False
        try:
            for step in scene:
                if isinstance(step, ModelError):
                    raise step
                if isinstance(step, asyncio.Event):
                    await step.wait()
                else:
                    yield step
            complete = True
        finally:
            self.finished += complete
            self.closed += not complete

    async def models(self) -> list[str]:
        """Return one name; other names work as well."""
        return ["script"]

    async def facts(self, model: str) -> ModelFacts:  # noqa: ARG002 - the same for all models
        """Return no facts: a script has no context window."""
        return NO_FACTS

    async def delete(self, model: str) -> None:
        """Accept the deletion of its model, and reject that of others."""
        if model not in await self.models():
            raise ModelError("model_not_found", f"The model '{model}' does not exist.")

    async def close(self) -> None:
        """Do nothing: it holds no resources."""

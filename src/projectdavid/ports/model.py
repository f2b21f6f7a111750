"""The model port: sends one prompt, and yields chunks of the answer."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from projectdavid.engine.deltas import Chunk
from projectdavid.engine.prompt import ModelRequest


@dataclass(frozen=True, slots=True)
class ContextRefusal:
    """A provider's error about a prompt that is too long: the maximum and actual tokens; None if not stated."""

    limit: int | None = None
    asked: int | None = None


CAPABILITIES = ("tools", "images", "reasoning", "parallel_calls", "structured_output", "usage")
"""Capabilities of a model or its server; `usage`: whether the server reports the tokens of a stream."""


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """A provider's facts about a model; None if not stated."""

    window: int | None = None
    """Maximum tokens of a prompt and its answer together."""
    learned: tuple[str, ...] = ()
    """Facts learned from its errors, as text for the operator."""
    capabilities: Mapping[str, tuple[bool, str]] = field(default_factory=dict[str, tuple[bool, str]])
    """Its capabilities: names of `CAPABILITIES`, each with its source: `settings`, `learned` or `provider`."""


NO_FACTS = ModelFacts()


@dataclass(slots=True)
class ModelError(Exception):
    """A model could not be called, or its answer broke off, because of the provider or its configuration.

    `code` is one of `authentication_error`, `rate_limit_exceeded`, `model_not_found`, `context_length_exceeded`,
    `invalid_prompt` (the user's content), `invalid_request` (the form of the request, such as a parameter), `timeout`,
    `connection_error`, `server_error`. `message` never contains a key. `retry_after` is in seconds, if the provider
    sent it. `waits` means that the problem is temporary: a model is loading, a server restarts, a limit is used up.
    `context` describes a prompt that is too long.
    """

    code: str
    message: str
    retryable: bool = False
    retry_after: float | None = None
    context: ContextRefusal | None = None
    waits: bool = False

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


class ModelProvider(Protocol):
    """Serves models."""

    def stream(self, ask: ModelRequest) -> AsyncGenerator[Sequence[Chunk]]:
        """Send one request, without retries; yields the chunks of each read, and closes the connection when it is
        closed.

        The first chunks, which can be empty, are yielded when the request is accepted: from then on it is billed.

        Raises:
            ModelError: rejected, unreachable, interrupted, or silent for too long.
        """
        ...

    async def models(self) -> list[str]:
        """Return the names of the models that it serves now.

        Raises:
            ModelError: it could not be reached.
        """
        ...

    async def facts(self, model: str) -> ModelFacts:
        """Return its facts about a model; empty if it does not list the model or cannot be reached."""
        ...

    async def delete(self, model: str) -> None:
        """Delete a user's own model, such as a fine-tuned one.

        Raises:
            ModelError: it does not exist, cannot be deleted, or the provider could not be reached.
        """
        ...

    async def close(self) -> None:
        """Close its connections."""
        ...

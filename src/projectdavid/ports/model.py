"""The model socket: one prompt in, chunks out."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from projectdavid.engine.deltas import Chunk
from projectdavid.engine.prompt import Ask


@dataclass(frozen=True, slots=True)
class ContextRefusal:
    """What a provider says of a prompt that is too long: how many tokens fit, and how many it has. None: not said."""

    limit: int | None = None
    asked: int | None = None


CAPABILITIES = ("tools", "images", "reasoning", "parallel_calls", "structured_output", "usage")
"""What a model or its server can do; `usage`: whether the server reports the tokens of a stream."""


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What a provider says of a model. None: it does not say."""

    window: int | None = None
    """Tokens that a prompt and its answer can have together."""
    learned: tuple[str, ...] = ()
    """What its refusals taught, in words for the operator."""
    capabilities: Mapping[str, tuple[bool, str]] = field(default_factory=dict[str, tuple[bool, str]])
    """What it can do: names of `CAPABILITIES`, each with its source: `settings`, `learned` or `provider`."""


NO_FACTS = ModelFacts()


@dataclass(slots=True)
class ModelError(Exception):
    """A model could not be asked, or broke off; the provider is at fault, or its configuration.

    `code` is one of `authentication_error`, `rate_limit_exceeded`, `model_not_found`, `context_length_exceeded`,
    `invalid_request`, `timeout`, `connection_error`, `server_error`. `message` never holds a key. `retry_after` is in
    seconds, where the provider gave one. `waits` says that the trouble passes by itself: a model is loaded, a server is
    started again, a limit is used up for now. `context` is what it said of a prompt that is too long.
    """

    code: str
    message: str
    retryable: bool = False
    retry_after: float | None = None
    context: ContextRefusal | None = None
    waits: bool = False

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


class Provider(Protocol):
    """Somebody who serves models."""

    def stream(self, ask: Ask) -> AsyncGenerator[Sequence[Chunk]]:
        """Ask once, without retries; yields what each read brought and closes the connection when it is closed.

        The first chunks, which can be none, come as soon as the request is accepted: it is paid for from then on.

        Raises:
            ModelError: refused, unreachable, broken off, or silent for too long.
        """
        ...

    async def models(self) -> list[str]:
        """The names of the models that it serves now.

        Raises:
            ModelError: it could not be asked.
        """
        ...

    async def facts(self, model: str) -> ModelFacts:
        """What it says of a model; nothing where it does not list the model, or cannot be asked."""
        ...

    async def delete(self, model: str) -> None:
        """Delete a model that is its user's own, such as a fine-tuned one.

        Raises:
            ModelError: it is not there, is not to be deleted, or the provider could not be asked.
        """
        ...

    async def close(self) -> None:
        """Give back its connections."""
        ...

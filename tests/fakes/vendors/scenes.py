"""Answers in the words of no vendor, and what a vendor's protocol makes of them."""

import json
from dataclasses import dataclass
from typing import Any, Protocol

from projectdavid.ports.model import ModelProvider

KEY = "sk-test-0123456789abcdef"


@dataclass(frozen=True, slots=True)
class Counts:
    """The tokens of an answer, as we count them: `prompt` includes `cached` and `written`."""

    prompt: int = 100
    cached: int = 60
    written: int = 10
    completion: int = 30
    reasoning: int = 5


@dataclass(frozen=True, slots=True)
class FakeCall:
    """A call, with its arguments in pieces."""

    id: str
    name: str
    pieces: tuple[str, ...]

    @property
    def arguments(self) -> str:
        return "".join(self.pieces)


@dataclass(frozen=True, slots=True)
class FakeAnswer:
    """An answer: reasoning, text and calls, in this order."""

    reasoning: tuple[str, ...] = ()
    text: tuple[str, ...] = ()
    calls: tuple[FakeCall, ...] = ()
    counts: Counts = Counts()
    signature: str = "sig-1"
    """The opaque state of its reasoning."""

    @property
    def joined(self) -> str:
        return "".join(self.text)


class VendorWire(Protocol):
    """The protocol of one vendor, from the server's side."""

    kind: str
    path: str
    """Where answers are asked for; `MODEL` stands for the name."""
    media_type: str
    finishes: dict[str, str | None]
    """Finish reasons and what they mean; None: the answer failed."""
    reports: frozenset[str]
    """Which of cached, written and reasoning tokens it reports."""
    has_state: bool
    """Whether it demands state."""

    def provider(self, url: str, **options: Any) -> ModelProvider:
        """The adapter, for a server at `url`."""
        ...

    def events(self, answer: FakeAnswer) -> list[bytes]:
        """The events of an answer."""
        ...

    def ending(self, reason: str) -> list[bytes]:
        """An answer with the text `a` that ends for this reason."""
        ...

    def refusal(self, status: int, message: str) -> bytes:
        """The body of a refused request."""
        ...

    def broken(self) -> bytes:
        """An event that says that the vendor is overloaded."""
        ...

    def unknown(self) -> bytes:
        """An event that no adapter knows."""
        ...

    def missing_state(self, body: dict[str, Any], turns: list[FakeAnswer]) -> str | None:
        """What a request lacks or has too much of after these turns of the model; None if it is right."""
        ...

    def outputs(self, body: dict[str, Any]) -> int:
        """How many outputs of calls a request contains."""
        ...


def event(document: object, name: str = "") -> bytes:
    """One event of a stream."""
    head = f"event: {name}\n".encode() if name else b""
    return head + b"data: " + json.dumps(document, ensure_ascii=False).encode() + b"\n\n"


def interleave(calls: tuple[FakeCall, ...]) -> list[tuple[int, str]]:
    """The pieces of all calls, one of each in turn, with the number of the call."""
    rounds = range(max((len(call.pieces) for call in calls), default=0))
    return [(n, call.pieces[at]) for at in rounds for n, call in enumerate(calls) if at < len(call.pieces)]

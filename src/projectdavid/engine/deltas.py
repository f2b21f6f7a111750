"""Fold what a model streams into one reply, and into the journal entries that tell of it.

A *chunk* is one kind of thing a model said. Text that arrived in one read stays together in one chunk, with its
parts apart, so that a busy stream costs one object per read and not one per token.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Text:
    """Parts of the visible answer, in order; each becomes one event."""

    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reasoning:
    """Parts of the model's reasoning, in order; each becomes one event."""

    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CallPart:
    """A piece of a function call: `index` says which call of the reply it belongs to."""

    index: int
    id: str = ""
    name: str = ""
    arguments: str = ""


@dataclass(frozen=True, slots=True)
class Cited:
    """What the text so far cites; None where something was taken out of it that led nowhere."""

    annotation: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Finish:
    """Why the model stopped: `stop`, `length`, `tool_calls` or `content_filter`."""

    reason: str


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one or more model calls. `estimated` is true where the provider did not report them."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    estimated: bool = False

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.estimated or other.estimated,
        )


Chunk = Text | Reasoning | CallPart | Cited | Finish | Usage


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the journal: `count` events of one `kind`.

    Delta kinds (`content`, `reasoning`, `call_arguments`) hold one item of `data` per event; every other kind is one
    event with an object as its data.
    """

    kind: str
    data: Any
    count: int = 1


@dataclass(frozen=True, slots=True)
class AskedCall:
    """A function call as the model asked for it; `arguments` is the JSON text it wrote, valid or not."""

    id: str
    name: str
    arguments: str


@dataclass(slots=True)
class _Writing:
    """A call that is being written: its id, what there is of it, and whether it was told of."""

    id: str
    name: str = ""
    arguments: str = ""
    told: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """One finished (or interrupted) model turn."""

    message_id: str
    text: str = ""
    reasoning: str = ""
    calls: tuple[AskedCall, ...] = ()
    finish: str = "stop"
    usage: Usage | None = None
    annotations: tuple[Mapping[str, Any], ...] = ()
    """What its text cites."""
    removed_citations: int = 0
    """How many it had that led nowhere, and were taken out."""


@dataclass(slots=True)
class Fold:
    """Collects the chunks of one model turn. `message_id` is the id that its message will have.

    Its calls get ids of that, for models repeat theirs: `call_`, the message's own characters, and their number.
    """

    message_id: str
    _text: list[str] = field(default_factory=list)
    _reasoning: list[str] = field(default_factory=list)
    _calls: dict[int, _Writing] = field(default_factory=dict[int, _Writing])
    _at: _Writing | None = None
    """The call that was told of last."""
    _finish: str = "stop"
    _usage: Usage | None = None
    _annotations: list[Mapping[str, Any]] = field(default_factory=list[Mapping[str, Any]])
    _removed: int = 0

    def add(self, chunks: Iterable[Chunk]) -> list[Entry]:
        """Take in what one read brought; returns the journal entries that tell of it."""
        entries: list[Entry] = []
        for chunk in chunks:
            match chunk:
                case Text(parts) | Reasoning(parts) if not any(parts):
                    continue  # an entry of no events would stand where the next one has to
                case Text(parts):
                    if not self._text:
                        entries.append(Entry("message_created", {"message_id": self.message_id}))
                    self._text.extend(parts)
                    entries.append(Entry("content", list(parts), len(parts)))
                case Reasoning(parts):
                    self._reasoning.extend(parts)
                    entries.append(Entry("reasoning", list(parts), len(parts)))
                case CallPart():
                    entries.extend(self._add_call(chunk))
                case Cited(annotation):
                    entries.extend(self._add_citation(annotation))
                case Finish(reason):
                    self._finish = reason
                    entries.extend(self._created(call) for call in self._calls.values() if not call.told)
                case Usage():
                    self._usage = chunk
        return entries

    def _add_citation(self, annotation: Mapping[str, Any] | None) -> list[Entry]:
        if annotation is None:
            self._removed += 1
            return []
        self._annotations.append(annotation)
        return [Entry("citation", {"message_id": self.message_id, "annotation": annotation})]

    def _add_call(self, part: CallPart) -> list[Entry]:
        if part.index not in self._calls:
            suffix = self.message_id.partition("_")[2]
            self._calls[part.index] = _Writing(f"call_{suffix}{len(self._calls)}")
        call = self._calls[part.index]
        call.name += part.name
        call.arguments += part.arguments
        if not part.arguments:
            return []
        created = [] if call is self._at else [self._created(call)]
        return [*created, Entry("call_arguments", [part.arguments])]

    def _created(self, call: _Writing) -> Entry:
        """The model writes this call now: what it writes of arguments behind that belongs to it."""
        call.told, self._at = True, call
        return Entry("call_created", {"tool_call_id": call.id, "name": call.name})

    def reply(self) -> Reply:
        """What the turn said so far."""
        calls = tuple(AskedCall(call.id, call.name, call.arguments) for call in self._calls.values())
        return Reply(
            self.message_id,
            "".join(self._text),
            "".join(self._reasoning),
            calls,
            self._finish,
            self._usage,
            tuple(self._annotations),
            self._removed,
        )

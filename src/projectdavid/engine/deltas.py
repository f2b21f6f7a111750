"""Fold what a model streams into one reply, and into the journal entries that tell of it.

A *chunk* is one kind of thing a model said. Text that arrived in one read stays together in one chunk, with its
parts apart, so that a busy stream costs one object per read and not one per token.
"""

import json
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
    extra: Mapping[str, Any] | None = None
    """Fields of the call that only its provider understands, and needs back."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Parts of a refusal: what the model says instead of an answer that it will not give."""

    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ProviderFields:
    """Fields of the message that only its provider understands, and needs back, such as signatures of reasoning.

    `reasoning_field` is the field in which the provider sent the reasoning as text, and expects it back.
    """

    fields: Mapping[str, Any]
    reasoning_field: str | None = None


@dataclass(frozen=True, slots=True)
class Warned:
    """Something about the answer that its reader should know, although the answer is used."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Cited:
    """What the text so far cites; None where something was taken out of it that led nowhere."""

    annotation: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Finish:
    """Why the model stopped: `stop`, `length`, `model_length`, `tool_calls` or `content_filter`.

    `model_length` is a limit of the model or its server, where `length` can be the one that was asked for.
    """

    reason: str


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one or more model calls. `estimated` is true where the provider did not report them."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    estimated: bool = False
    cached_tokens: int = 0
    """The part of `prompt_tokens` that the provider read from its cache."""
    reasoning_tokens: int = 0
    """The part of `completion_tokens` that the model spent on reasoning."""

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.estimated or other.estimated,
            self.cached_tokens + other.cached_tokens,
            self.reasoning_tokens + other.reasoning_tokens,
        )

    def __sub__(self, other: "Usage") -> "Usage":
        return Usage(
            self.prompt_tokens - other.prompt_tokens,
            self.completion_tokens - other.completion_tokens,
            self.estimated,
            self.cached_tokens - other.cached_tokens,
            self.reasoning_tokens - other.reasoning_tokens,
        )

    def __bool__(self) -> bool:
        return bool(self.prompt_tokens or self.completion_tokens)

    def to_wire(self) -> dict[str, Any]:
        """Return the usage as events and runs show it."""
        return {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "total_tokens": self.prompt_tokens + self.completion_tokens,
            "cached_tokens": self.cached_tokens,
            "reasoning_tokens": self.reasoning_tokens,
            "estimated": self.estimated,
        }


Chunk = Text | Reasoning | Refusal | CallPart | Cited | ProviderFields | Warned | Finish | Usage


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the journal: `count` events of one `kind`.

    Delta kinds (`content`, `refusal`, `reasoning`, `call_arguments`) hold one item of `data` per event; every other
    kind is one event with an object as its data.
    """

    kind: str
    data: Any
    count: int = 1


@dataclass(frozen=True, slots=True)
class AskedCall:
    """A function call as the model asked for it; `arguments` is the JSON text it wrote, valid or not.

    `provider_id` and `extra` are the id and the fields that the call has at its provider.
    """

    id: str
    name: str
    arguments: str
    provider_id: str = ""
    extra: Mapping[str, Any] | None = None


@dataclass(slots=True)
class _Writing:
    """A call that is being written: its id, what there is of it, and whether it was told of."""

    id: str
    name: str = ""
    arguments: str = ""
    told: bool = False
    provider_id: str = ""
    extra: Mapping[str, Any] | None = None


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
    refusal: str = ""
    """What the model said instead of an answer that it will not give."""
    provider_fields: ProviderFields | None = None
    """What its provider needs back with the turn."""
    warnings: tuple[Warned, ...] = ()
    source: str = ""
    """The provider and the model that wrote it: `provider/model`."""

    @property
    def content(self) -> str | list[dict[str, str]]:
        """What its message shows: its text, or parts where it refuses."""
        if not self.refusal:
            return self.text
        text = [{"type": "text", "text": self.text}] if self.text else []
        return [*text, {"type": "refusal", "refusal": self.refusal}]

    @property
    def spoken(self) -> bool:
        """True if it has something to show: text or a refusal."""
        return bool(self.text or self.refusal)


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
    _refusal: list[str] = field(default_factory=list)
    _provider_fields: ProviderFields | None = None
    _warnings: list[Warned] = field(default_factory=list[Warned])

    def add(self, chunks: Iterable[Chunk]) -> list[Entry]:
        """Take in what one read brought; returns the journal entries that tell of it."""
        entries: list[Entry] = []
        for chunk in chunks:
            match chunk:
                case Text(parts) | Reasoning(parts) | Refusal(parts) if not any(parts):
                    continue  # an entry of no events would stand where the next one has to
                case Text(parts):
                    entries += self._begin_message()
                    self._text.extend(parts)
                    entries.append(Entry("content", list(parts), len(parts)))
                case Refusal(parts):
                    entries += self._begin_message()
                    self._refusal.extend(parts)
                    entries.append(Entry("refusal", list(parts), len(parts)))
                case Reasoning(parts):
                    self._reasoning.extend(parts)
                    entries.append(Entry("reasoning", list(parts), len(parts)))
                case CallPart():
                    entries.extend(self._add_call(chunk))
                case Cited(annotation):
                    entries.extend(self._add_citation(annotation))
                case ProviderFields():
                    self._provider_fields = chunk
                case Warned(code, message):
                    self._warnings.append(chunk)
                    entries.append(Entry("warning", {"code": code, "message": message}))
                case Finish(reason):
                    self._finish = reason
                    entries.extend(self._created(call) for call in self._calls.values() if not call.told)
                case Usage():
                    self._usage = chunk
        return entries

    def _begin_message(self) -> list[Entry]:
        if self._text or self._refusal:
            return []
        return [Entry("message_created", {"message_id": self.message_id})]

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
        call.provider_id = call.provider_id or part.id
        if part.extra:
            call.extra = {**(call.extra or {}), **part.extra}
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
        calls = tuple(
            AskedCall(call.id, call.name, _unwrapped(call.arguments), call.provider_id, call.extra)
            for call in self._calls.values()
        )
        return Reply(
            self.message_id,
            "".join(self._text),
            "".join(self._reasoning),
            calls,
            self._finish,
            self._usage,
            tuple(self._annotations),
            self._removed,
            "".join(self._refusal),
            self._provider_fields,
            tuple(self._warnings),
        )


def _unwrapped(arguments: str) -> str:
    """Arguments as JSON of an object, where a model wrote them as a JSON string of that JSON."""
    if not arguments.lstrip().startswith('"'):
        return arguments
    try:
        inner = json.loads(arguments)
        return inner if isinstance(inner, str) and isinstance(json.loads(inner), dict) else arguments
    except (ValueError, RecursionError):
        return arguments

"""Model output deltas, and the builder that folds them into a reply and journal entries.

A *chunk* is a delta of one kind. Text from one read forms one chunk with separate parts, so a busy stream costs one
object per read instead of one per token.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

MILLION = 1_000_000
"""Costs are whole millionths of the currency of the prices."""


@dataclass(frozen=True, slots=True)
class TextDelta:
    """Parts of the answer text, in order; each becomes one event."""

    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
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
    """Opaque provider fields of the call, sent back unchanged."""


@dataclass(frozen=True, slots=True)
class RefusalDelta:
    """Parts of a refusal, sent instead of an answer."""

    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ProviderFields:
    """Opaque provider fields of the message, such as reasoning signatures, sent back unchanged.

    `reasoning_field` is the field in which the provider sends reasoning text and expects it back.
    """

    fields: Mapping[str, Any]
    reasoning_field: str | None = None


@dataclass(frozen=True, slots=True)
class WarningDelta:
    """A warning about an answer that is used anyway."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class CitationDelta:
    """A citation in the text so far; None if an invalid citation was removed."""

    annotation: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class FinishDelta:
    """Why the model stopped: `stop`, `length`, `model_length`, `tool_calls` or `content_filter`.

    `model_length` is a limit of the model or its server; `length` can also be the requested maximum.
    """

    reason: str


@dataclass(frozen=True, slots=True)
class TokenUsage:
    """Tokens of one or more model calls. `estimated` is true if the provider did not report them."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    estimated: bool = False
    cached_tokens: int = 0
    """The part of `prompt_tokens` that the provider read from its cache."""
    reasoning_tokens: int = 0
    """The part of `completion_tokens` that the model spent on reasoning."""
    cost: int | None = None
    """In millionths of the currency of the prices; None if the price of any of the tokens is not known."""
    written_tokens: int = 0
    """The part of `prompt_tokens` that the provider wrote to its cache. It affects only the cost, and is not stored."""

    def __add__(self, other: "TokenUsage") -> "TokenUsage":
        return TokenUsage(
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.estimated or other.estimated,
            self.cached_tokens + other.cached_tokens,
            self.reasoning_tokens + other.reasoning_tokens,
            _add_costs(self, other),
            self.written_tokens + other.written_tokens,
        )

    def __sub__(self, other: "TokenUsage") -> "TokenUsage":
        """Return the difference in tokens, without its cost."""
        return TokenUsage(
            self.prompt_tokens - other.prompt_tokens,
            self.completion_tokens - other.completion_tokens,
            self.estimated,
            self.cached_tokens - other.cached_tokens,
            self.reasoning_tokens - other.reasoning_tokens,
            written_tokens=self.written_tokens - other.written_tokens,
        )

    def __bool__(self) -> bool:
        return bool(self.prompt_tokens or self.completion_tokens)

    def to_wire(self) -> dict[str, Any]:
        """Convert to the `usage` object of events and runs."""
        return {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "total_tokens": self.prompt_tokens + self.completion_tokens,
            "cached_tokens": self.cached_tokens,
            "reasoning_tokens": self.reasoning_tokens,
            "estimated": self.estimated,
            "cost": None if self.cost is None else self.cost / MILLION,
        }


def _add_costs(one: TokenUsage, other: TokenUsage) -> int | None:
    if not one or not other:
        return (one or other).cost
    return None if one.cost is None or other.cost is None else one.cost + other.cost


Chunk = (
    TextDelta
    | ReasoningDelta
    | RefusalDelta
    | CallPart
    | CitationDelta
    | ProviderFields
    | WarningDelta
    | FinishDelta
    | TokenUsage
)


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One row of the journal: `count` events of one `kind`.

    Delta kinds (`content`, `refusal`, `reasoning`, `call_arguments`) hold one item of `data` per event; every other
    kind is one event with an object as its data.
    """

    kind: str
    data: Any
    count: int = 1


@dataclass(frozen=True, slots=True)
class AskedCall:
    """A function call from the model; `arguments` is its JSON text, which can be invalid.

    `provider_id` and `extra` are the provider's id and fields of the call.
    """

    id: str
    name: str
    arguments: str
    provider_id: str = ""
    extra: Mapping[str, Any] | None = None


@dataclass(slots=True)
class _PartialCall:
    """A streamed call, and whether its `call_created` entry was emitted."""

    id: str
    name: str = ""
    arguments: str = ""
    emitted: bool = False
    provider_id: str = ""
    extra: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class ModelReply:
    """One finished (or interrupted) model turn."""

    message_id: str
    text: str = ""
    reasoning: str = ""
    calls: tuple[AskedCall, ...] = ()
    finish: str = "stop"
    usage: TokenUsage | None = None
    annotations: tuple[Mapping[str, Any], ...] = ()
    """Citations in the text."""
    removed_citations: int = 0
    """Number of invalid citations removed from the text."""
    refusal: str = ""
    """Refusal text, sent instead of an answer."""
    provider_fields: ProviderFields | None = None
    """Opaque provider fields, sent back with the turn."""
    warnings: tuple[WarningDelta, ...] = ()
    source: str = ""
    """The model that produced the reply, as `provider/model`."""

    @property
    def content(self) -> str | list[dict[str, str]]:
        """Content of the message: text, or content parts if the model refused."""
        if not self.refusal:
            return self.text
        text = [{"type": "text", "text": self.text}] if self.text else []
        return [*text, {"type": "refusal", "refusal": self.refusal}]

    @property
    def has_content(self) -> bool:
        """True if the reply has text or a refusal."""
        return bool(self.text or self.refusal)


@dataclass(slots=True)
class ReplyBuilder:
    """Folds the chunks of one model turn. `message_id` is the id of its message.

    Call ids are derived from the message id (`call_`, its suffix, a number) because models reuse their own ids.
    """

    message_id: str
    _text: list[str] = field(default_factory=list)
    _reasoning: list[str] = field(default_factory=list)
    _calls: dict[int, _PartialCall] = field(default_factory=dict[int, _PartialCall])
    _at: _PartialCall | None = None
    """The call of the last `call_created` entry."""
    _finish: str = "stop"
    _usage: TokenUsage | None = None
    _annotations: list[Mapping[str, Any]] = field(default_factory=list[Mapping[str, Any]])
    _removed: int = 0
    _refusal: list[str] = field(default_factory=list)
    _provider_fields: ProviderFields | None = None
    _warnings: list[WarningDelta] = field(default_factory=list[WarningDelta])

    def add(self, chunks: Iterable[Chunk]) -> list[JournalEntry]:
        """Add the chunks of one read and return their journal entries."""
        entries: list[JournalEntry] = []
        for chunk in chunks:
            match chunk:
                case TextDelta(parts) | ReasoningDelta(parts) | RefusalDelta(parts) if not any(parts):
                    continue  # an entry without events would take the position of the next one
                case TextDelta(parts):
                    entries += self._begin_message()
                    self._text.extend(parts)
                    entries.append(JournalEntry("content", list(parts), len(parts)))
                case RefusalDelta(parts):
                    entries += self._begin_message()
                    self._refusal.extend(parts)
                    entries.append(JournalEntry("refusal", list(parts), len(parts)))
                case ReasoningDelta(parts):
                    self._reasoning.extend(parts)
                    entries.append(JournalEntry("reasoning", list(parts), len(parts)))
                case CallPart():
                    entries.extend(self._add_call(chunk))
                case CitationDelta(annotation):
                    entries.extend(self._add_citation(annotation))
                case ProviderFields():
                    self._provider_fields = chunk
                case WarningDelta(code, message):
                    self._warnings.append(chunk)
                    entries.append(JournalEntry("warning", {"code": code, "message": message}))
                case FinishDelta(reason):
                    self._finish = reason
                    entries.extend(self._call_created_entry(call) for call in self._calls.values() if not call.emitted)
                case TokenUsage():
                    self._usage = chunk
        return entries

    def _begin_message(self) -> list[JournalEntry]:
        if self._text or self._refusal:
            return []
        return [JournalEntry("message_created", {"message_id": self.message_id})]

    def _add_citation(self, annotation: Mapping[str, Any] | None) -> list[JournalEntry]:
        if annotation is None:
            self._removed += 1
            return []
        self._annotations.append(annotation)
        return [JournalEntry("citation", {"message_id": self.message_id, "annotation": annotation})]

    def _add_call(self, part: CallPart) -> list[JournalEntry]:
        if part.index not in self._calls:
            suffix = self.message_id.partition("_")[2]
            self._calls[part.index] = _PartialCall(f"call_{suffix}{len(self._calls)}")
        call = self._calls[part.index]
        call.name += part.name
        call.arguments += part.arguments
        call.provider_id = call.provider_id or part.id
        if part.extra:
            call.extra = {**(call.extra or {}), **part.extra}
        if not part.arguments:
            return []
        created = [] if call is self._at else [self._call_created_entry(call)]
        return [*created, JournalEntry("call_arguments", [part.arguments])]

    def _call_created_entry(self, call: _PartialCall) -> JournalEntry:
        """Build the entry that starts a call; later argument deltas belong to it."""
        call.emitted, self._at = True, call
        return JournalEntry("call_created", {"tool_call_id": call.id, "name": call.name})

    def reply(self) -> ModelReply:
        """Return the reply so far."""
        calls = tuple(
            AskedCall(call.id, call.name, _unwrap_arguments(call.arguments), call.provider_id, call.extra)
            for call in self._calls.values()
        )
        return ModelReply(
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


def _unwrap_arguments(arguments: str) -> str:
    """Unwrap arguments that a model encoded as a JSON string containing a JSON object."""
    if not arguments.lstrip().startswith('"'):
        return arguments
    try:
        inner = json.loads(arguments)
        return inner if isinstance(inner, str) and isinstance(json.loads(inner), dict) else arguments
    except (ValueError, RecursionError):
        return arguments

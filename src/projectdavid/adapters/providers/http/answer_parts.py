"""Collects the parts of one answer into as few chunks as possible, and reads what vendors report in common forms."""

from typing import Any

from projectdavid.adapters.providers.http.failures import FailureParser
from projectdavid.engine.deltas import Chunk, ReasoningDelta, RefusalDelta, TextDelta, TokenUsage, WarningDelta
from projectdavid.ports.model import ModelError

MOST_TOKENS = 10**9
"""Maximum tokens of one call; larger numbers are invalid."""
TextKind = type[TextDelta] | type[ReasoningDelta] | type[RefusalDelta]


class AnswerParts:
    """The chunks of one answer; adjacent parts of a kind share one chunk, because a chunk costs more than a part.

    Base of the folds: see `AnswerFold`. `model` is the name of the model in warnings.
    """

    __slots__ = (
        *("_chunks", "_failures", "_kind", "_model", "_parts", "_reported"),
        *("done", "failure", "finished", "usage_reported"),
    )

    def __init__(self, failures: FailureParser, model: str) -> None:
        self.finished = False
        self.done = False
        self.failure: ModelError | None = None
        self.usage_reported = False
        self._failures = failures
        self._model = model
        self._chunks: list[Chunk] = []
        self._kind: TextKind = TextDelta
        self._parts: list[str] = []
        self._reported: set[str] = set()

    def take(self) -> list[Chunk]:
        """Return the chunks since the last call."""
        self._flush()
        chunks, self._chunks = self._chunks, []
        return chunks

    def _add_part(self, kind: TextKind, part: str) -> None:
        if kind is not self._kind:
            self._flush()
            self._kind = kind
        if part:
            self._parts.append(part)

    def _append(self, chunk: Chunk) -> None:
        """Append a chunk that is not merged with others."""
        self._flush()
        self._chunks.append(chunk)

    def _append_usage(self, usage: TokenUsage | None) -> None:
        if usage is not None:
            self.usage_reported = True
            self._append(usage)

    def _report_unknown(self, what: str, name: Any) -> None:
        """Report a part of an answer that is not known, and therefore left out, once."""
        key = f"{what} {name!r}"[:120]
        if key not in self._reported:
            self._reported.add(key)
            said = f"The model '{self._model}' sent {key}, which is not known and was left out."
            self._append(WarningDelta("unknown_output_left_out", self._failures.redact(said)))

    def _flush(self) -> None:
        if self._parts:
            self._chunks.append(self._kind(tuple(self._parts)))
            self._parts = []


def as_count(value: Any) -> int | None:
    """Return a reported number of tokens, which can be zero; None if it is invalid."""
    return value if type(value) is int and 0 <= value <= MOST_TOKENS else None


def as_object(value: Any) -> dict[str, Any]:
    """Return a JSON object; empty if the value is another type."""
    return value if isinstance(value, dict) else {}

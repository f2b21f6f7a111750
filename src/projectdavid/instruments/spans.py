"""Spans of distributed traces, reported as facts after they ended: an open span would be lost with its process.

The ids of spans are derived from the ids of what they describe, so a process that reports a span again reports the same
one, and processes need not exchange them.
"""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Literal, NamedTuple, Protocol

from projectdavid.instruments.metrics import AnyMetric

Attributes = Mapping[str, str | int | float | bool | Sequence[str]]
MetricSeries = list[tuple[AnyMetric, list[Any]]]
"""Metrics, each with a copy of its series."""
_TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
"""Version 00 of https://www.w3.org/TR/trace-context/#traceparent-header."""
_SAMPLED = 1


class TraceContext(NamedTuple):
    """A span as others refer to it: ids in lower case hexadecimal digits. `span_id` is empty at the root of a trace."""

    trace_id: str
    span_id: str
    is_sampled: bool = True

    def to_header(self) -> str:
        """Return the value of the header `traceparent`."""
        return f"00-{self.trace_id}-{self.span_id}-{int(self.is_sampled):02x}"


def parse_traceparent(value: str) -> TraceContext | None:
    """Parse a header `traceparent`; None if it is invalid, because the request works without it."""
    found = _TRACEPARENT.fullmatch(value) if len(value) < 64 else None
    if found is None or not found[1].strip("0") or not found[2].strip("0"):
        return None
    return TraceContext(found[1], found[2], bool(int(found[3], 16) & _SAMPLED))


def derive_trace_id(key: str) -> str:
    """Return the trace id of work that no caller's trace contains."""
    return blake2b(key.encode(), digest_size=16).hexdigest()


def derive_span_id(key: str, kind: str, number: object = "") -> str:
    """Return the id of a span: the work `key`, the kind of the span, and its number or id among those."""
    return blake2b(f"{key}|{kind}|{number}".encode(), digest_size=8).hexdigest()


def new_trace_id() -> str:
    """Return a random trace id."""
    return os.urandom(16).hex()


def new_span_id() -> str:
    """Return a random span id."""
    return os.urandom(8).hex()


@dataclass(frozen=True, slots=True)
class Span:
    """A span that has ended; times are Unix seconds. `error` is the type of its error, empty if it succeeded."""

    name: str
    kind: Literal["internal", "client", "server"]
    context: TraceContext
    parent_id: str
    started_at: float
    ended_at: float
    attributes: Attributes
    error: str = ""
    links: tuple[TraceContext, ...] = ()


class TelemetryExporter(Protocol):
    """Sends spans and metrics to a collector. No method waits for the collector, except `close`, for a short time."""

    @property
    def is_enabled(self) -> bool:
        """False if nothing is exported, so callers need not build spans."""
        ...

    def emit(self, span: Span) -> None:
        """Queue a span; if the queue is full, it is dropped and counted."""
        ...

    def emit_metrics(self, series: MetricSeries, now: float) -> None:
        """Queue the current values of metrics."""
        ...

    def close(self) -> None:
        """Send what is queued, for at most two seconds."""
        ...


@dataclass(frozen=True, slots=True)
class NoExporter:
    """Exports nothing."""

    @property
    def is_enabled(self) -> bool:
        """False."""
        return False

    def emit(self, span: Span) -> None:
        """Ignore a span."""

    def emit_metrics(self, series: MetricSeries, now: float) -> None:
        """Ignore metrics."""

    def close(self) -> None:
        """Do nothing."""

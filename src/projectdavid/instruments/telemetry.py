"""What all parts of a server report to."""

import os
import socket
from dataclasses import dataclass, field

from projectdavid.instruments.server_metrics import ServerMetrics
from projectdavid.instruments.spans import NoExporter, Span, TelemetryExporter

INSTANCE = f"{socket.gethostname()}-{os.getpid()}"
"""Distinguishes the processes of a deployment in logs and traces."""


@dataclass(frozen=True, slots=True)
class TraceOptions:
    """What is traced."""

    ratio: float = 1.0
    """The share of traces that is exported, unless the caller's trace decides."""
    records_content: bool = False
    """Whether spans contain prompts, answers, and arguments and results of tools."""
    has_requests: bool = True
    """Whether each request is a span."""


@dataclass(frozen=True, slots=True)
class Telemetry:
    """The instruments of one server process."""

    metrics: ServerMetrics = field(default_factory=ServerMetrics)
    exporter: TelemetryExporter = field(default_factory=NoExporter)
    options: TraceOptions = TraceOptions()

    @property
    def is_tracing(self) -> bool:
        """True if spans are exported."""
        return self.exporter.is_enabled

    def samples(self, trace_id: str) -> bool:
        """Return whether a trace that begins here is exported; all processes decide the same."""
        return int(trace_id[:8], 16) < self.options.ratio * 2**32

    def emit(self, span: Span, *, always: bool = False) -> None:
        """Export a span if its trace is sampled, or `always`."""
        if span.context.is_sampled or always:
            self.exporter.emit(span)

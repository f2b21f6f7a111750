"""Export of spans and metrics over OTLP (HTTP with protobuf), in a thread of its own.

Encoding and sending never run in the event loop, and the queue is bounded: a collector that is slow or away costs
dropped spans, which are counted, and no time of a run.
"""

from __future__ import annotations

import importlib.util
import os
import time
from collections import deque
from collections.abc import Mapping
from threading import Event, Thread
from typing import TYPE_CHECKING

from projectdavid.adapters.telemetry.otlp_metrics import build_metrics
from projectdavid.distribution import DISTRIBUTION, VERSION
from projectdavid.instruments.server_metrics import ServerMetrics
from projectdavid.instruments.spans import MetricSeries, Span, TraceContext
from projectdavid.instruments.telemetry import INSTANCE
from projectdavid.lazy_modules import LazyModule

if TYPE_CHECKING:
    import opentelemetry.exporter.otlp.proto.http as http
    import opentelemetry.exporter.otlp.proto.http.metric_exporter as metric_exporter
    import opentelemetry.exporter.otlp.proto.http.trace_exporter as trace_exporter
    import opentelemetry.sdk.resources as resources
    import opentelemetry.sdk.trace as sdk_trace
    import opentelemetry.sdk.trace.export as sdk_export
    import opentelemetry.sdk.util.instrumentation as instrumentation
    import opentelemetry.trace as trace
else:
    http = LazyModule("opentelemetry.exporter.otlp.proto.http")
    metric_exporter = LazyModule("opentelemetry.exporter.otlp.proto.http.metric_exporter")
    trace_exporter = LazyModule("opentelemetry.exporter.otlp.proto.http.trace_exporter")
    resources = LazyModule("opentelemetry.sdk.resources")
    sdk_trace = LazyModule("opentelemetry.sdk.trace")
    sdk_export = LazyModule("opentelemetry.sdk.trace.export")
    instrumentation = LazyModule("opentelemetry.sdk.util.instrumentation")
    trace = LazyModule("opentelemetry.trace")

LIBRARIES = ("opentelemetry.sdk", "opentelemetry.exporter")
MISSING = f"traces and metrics over OTLP need libraries that are not installed: pip install '{DISTRIBUTION}[telemetry]'"
QUEUE = 8192
BATCH = 512
SEND_EVERY = 1.0
"""Seconds between two batches."""
CLOSE_SECONDS = 2.0
SCOPE = "projectdavid"


class OtlpExporter:
    """Sends spans to `{endpoint}/v1/traces` and metrics to `{endpoint}/v1/metrics`.

    Raises:
        ValueError: the libraries are not installed.
    """

    is_enabled = True

    def __init__(self, endpoint: str, headers: Mapping[str, str], timeout: float, metrics: ServerMetrics) -> None:
        if not _has_libraries():
            raise ValueError(MISSING)
        base, own = endpoint.rstrip("/"), dict(headers) or None
        gzip = http.Compression.Gzip
        self._spans = trace_exporter.OTLPSpanExporter(f"{base}/v1/traces", None, None, None, own, timeout, gzip)
        self._metrics = metric_exporter.OTLPMetricExporter(f"{base}/v1/metrics", None, None, None, own, timeout, gzip)
        self._counted = metrics
        self._resource = _describe_process()
        self._scope = instrumentation.InstrumentationScope(SCOPE, VERSION)
        self._queue: deque[Span] = deque()
        self._series: tuple[MetricSeries, float] | None = None
        self._started_at = time.time()
        self._stop = Event()
        self._thread = Thread(target=self._serve, name="telemetry", daemon=True)
        self._thread.start()

    def emit(self, span: Span) -> None:
        """Queue a span, or drop it."""
        if len(self._queue) >= QUEUE:
            self._counted.spans_dropped.add()
        else:
            self._queue.append(span)

    def emit_metrics(self, series: MetricSeries, now: float) -> None:
        """Queue metrics; they replace earlier ones that were not sent."""
        self._series = series, now

    def close(self) -> None:
        """Send what is queued, for at most two seconds."""
        self._stop.set()
        self._thread.join(CLOSE_SECONDS)
        if self._thread.is_alive():
            self._spans.shutdown()  # ends its pauses between attempts
            self._metrics.shutdown()

    def _serve(self) -> None:
        while not self._stop.wait(SEND_EVERY):
            self._send()
        self._send()

    def _send(self) -> None:
        while self._queue:
            batch = [self._queue.popleft() for _ in range(min(len(self._queue), BATCH))]
            result = self._spans.export([self._convert(span) for span in batch])
            accepted = result is sdk_export.SpanExportResult.SUCCESS
            (self._counted.spans_exported if accepted else self._counted.spans_dropped).add(len(batch))
        if self._series is not None:
            (series, now), self._series = self._series, None
            self._metrics.export(build_metrics(series, self._resource, self._scope, self._started_at, now))

    def _convert(self, span: Span) -> sdk_trace.ReadableSpan:
        parent = _to_context(TraceContext(span.context.trace_id, span.parent_id)) if span.parent_id else None
        code = trace.StatusCode.ERROR if span.error else trace.StatusCode.UNSET
        return sdk_trace.ReadableSpan(
            name=span.name,
            context=_to_context(span.context),
            parent=parent,
            resource=self._resource,
            attributes={**span.attributes, "error.type": span.error} if span.error else span.attributes,
            links=[trace.Link(_to_context(link)) for link in span.links],
            kind=trace.SpanKind[span.kind.upper()],
            status=trace.Status(code),
            start_time=int(span.started_at * 1e9),
            end_time=int(max(span.ended_at, span.started_at) * 1e9),
            instrumentation_scope=self._scope,
        )


def _has_libraries() -> bool:
    try:
        return all(map(importlib.util.find_spec, LIBRARIES))
    except ModuleNotFoundError:  # of a parent package
        return False


def _to_context(context: TraceContext) -> trace.SpanContext:
    flags = trace.TraceFlags(trace.TraceFlags.SAMPLED)
    return trace.SpanContext(int(context.trace_id, 16), int(context.span_id, 16), is_remote=False, trace_flags=flags)


def _describe_process() -> resources.Resource:
    attributes = {"service.instance.id": INSTANCE, "service.version": VERSION}
    if "OTEL_SERVICE_NAME" not in os.environ and "service.name" not in os.environ.get("OTEL_RESOURCE_ATTRIBUTES", ""):
        attributes["service.name"] = SCOPE
    return resources.Resource.create(attributes)

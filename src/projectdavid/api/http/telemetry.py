"""Counts requests, by route template: paths contain ids."""

import logging
import time
from dataclasses import dataclass
from typing import Any, NamedTuple

from fastapi.routing import APIRoute
from starlette.types import Scope

from projectdavid.instruments import span_names as names
from projectdavid.instruments.metrics import OTHER
from projectdavid.instruments.spans import Span, TraceContext, new_span_id, new_trace_id, parse_traceparent
from projectdavid.instruments.telemetry import Telemetry
from projectdavid.instruments.work_context import WorkContext, current_work

ACCESS_LOG = "projectdavid.access"
"""The logger of requests."""
access_log = logging.getLogger(ACCESS_LOG)
FRAMEWORK_TELEMETRY: Any = {"tracing": False, "metrics": False, "logs": False}
"""FastAPI's `telemetry`: off, because the server reports requests itself."""
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
UNTRACED = frozenset({"/health", "/health/live", "/health/ready", "/metrics"})
"""Routes of monitoring systems, which have no spans."""
UNMATCHED = "unmatched"
"""The template of paths without a route."""


class RequestRecord(NamedTuple):
    """A request in progress: its context, the caller's span, and its start on the clock of `time.perf_counter`."""

    work: WorkContext
    parent_id: str
    began: float


@dataclass(frozen=True, slots=True)
class RequestTelemetry:
    """Records requests when their responses start: the duration of a stream says nothing about the server."""

    telemetry: Telemetry

    def begin(self, scope: Scope, request_id: str) -> RequestRecord:
        """Begin a request: its context is that of the current task from now on."""
        given = [value for name, value in scope["headers"] if name == b"traceparent"]
        caller = parse_traceparent(given[0].decode("latin-1")) if len(given) == 1 else None
        trace_id, span_id, is_sampled = caller or ("", "", True)
        if self.telemetry.is_tracing and self.telemetry.options.has_requests:
            trace_id, span_id = trace_id or new_trace_id(), new_span_id()
            is_sampled = caller.is_sampled if caller else self.telemetry.samples(trace_id)
        work = WorkContext(request_id, "", "", trace_id, span_id, is_sampled)
        current_work.set(work)
        return RequestRecord(work, caller.span_id if caller else "", time.perf_counter())

    def record(self, scope: Scope, status: int, request: RequestRecord) -> None:
        """Record the start of a response."""
        began = request.began
        metrics = self.telemetry.metrics
        method = scope["method"] if scope["method"] in METHODS else OTHER
        route = find_template(scope)
        metrics.requests.add(1, route, method, f"{status // 100}xx")
        seconds = time.perf_counter() - began
        metrics.request_seconds.observe(seconds, route, method)
        if access_log.isEnabledFor(logging.INFO):
            fields = {"method": method, "route": route, "status": status, "ms": round(1000 * seconds, 1)}
            access_log.info("%s %s %d", method, route, status, extra={"fields": fields})
        if self.telemetry.is_tracing and self.telemetry.options.has_requests and route not in UNTRACED:
            self._report(request, method, route, status, seconds)

    def _report(self, request: RequestRecord, method: str, route: str, status: int, seconds: float) -> None:
        attributes = {
            names.METHOD: method,
            names.ROUTE: route,
            names.STATUS: status,
            names.REQUEST_ID: request.work.request_id,
        }
        work, now = request.work, time.time()
        context = TraceContext(work.trace_id, work.span_id, work.is_sampled)
        error = str(status) if status >= 500 else ""
        span = Span(f"{method} {route}", "server", context, request.parent_id, now - seconds, now, attributes, error)
        self.telemetry.emit(span)


def find_template(scope: Scope) -> str:
    """Return the path of the route that served a request, with names in place of ids."""
    route = scope.get("route")
    return f"{scope.get('root_path', '')}{route.path}" if isinstance(route, APIRoute) else UNMATCHED

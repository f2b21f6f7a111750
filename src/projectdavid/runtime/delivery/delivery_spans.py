"""Spans of attempts to deliver a webhook."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from projectdavid.instruments import span_names as names
from projectdavid.instruments.spans import Span, TraceContext, derive_span_id, derive_trace_id
from projectdavid.instruments.telemetry import Telemetry
from projectdavid.ports import queries
from projectdavid.ports.rows import DueDeliveryRow
from projectdavid.ports.store import Store
from projectdavid.runtime.delivery.webhook_delivery import DeliveryOutcome
from projectdavid.runtime.runs.records import run_of
from projectdavid.runtime.runs.run_telemetry import run_span


@dataclass(frozen=True, slots=True)
class DeliveryTrace:
    """The place of an attempt in a trace. A first attempt belongs to its run; later ones only link to it."""

    context: TraceContext
    parent_id: str
    links: tuple[TraceContext, ...]

    def build_span(
        self, row: DueDeliveryRow, url: str | None, outcome: DeliveryOutcome, began: float, ended: float
    ) -> Span:
        """Build the span of the attempt: with the host of the receiver, never its path."""
        attributes: dict[str, Any] = {
            names.METHOD: "POST",
            names.SERVER: "" if url is None else urlsplit(url).hostname or "",
            names.RUN_ID: row.run_id or "",
            names.DELIVERY_ID: row.id,
            names.DELIVERY_ATTEMPT: row.attempts,
        }
        if outcome.status is not None:
            attributes[names.STATUS] = outcome.status
        error = "" if outcome.error is None else str(outcome.status or "connection_error")
        return Span(names.WEBHOOK, "client", self.context, self.parent_id, began, ended, attributes, error, self.links)


async def find_delivery_trace(telemetry: Telemetry, store: Store, row: DueDeliveryRow) -> DeliveryTrace | None:
    """Return the trace of an attempt; None if nothing is traced."""
    if not telemetry.is_tracing:
        return None
    span_id = derive_span_id(row.id, names.WEBHOOK, row.attempts)
    run = None if row.run is None else await store.one(queries.RUN_STATE, n=row.run)
    parent = None if run is None else run_span(run_of(run), telemetry)
    if parent is not None and row.attempts <= 1:
        return DeliveryTrace(parent._replace(span_id=span_id), parent.span_id, ())
    trace_id = derive_trace_id(row.id)
    context = TraceContext(trace_id, span_id, telemetry.samples(trace_id) if parent is None else parent.is_sampled)
    return DeliveryTrace(context, "", () if parent is None else (parent,))

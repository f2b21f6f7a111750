"""Reports the committed decisions about runs: nothing is reported that did not happen."""

from dataclasses import dataclass

from projectdavid.engine.inputs import RunClaimed, RunInput
from projectdavid.engine.run import RunState, RunStatus, Transition
from projectdavid.instruments import span_names as names
from projectdavid.instruments.spans import Span, TraceContext, derive_span_id, derive_trace_id, parse_traceparent
from projectdavid.instruments.telemetry import Telemetry
from projectdavid.instruments.work_context import WorkContext, current_work
from projectdavid.ports.rows import RunRow

_HELD = frozenset({RunStatus.IN_PROGRESS, RunStatus.CANCELLING})
INTERRUPTED = "interrupted"
"""The error of a model call whose worker stopped."""


@dataclass(frozen=True, slots=True)
class RunTelemetry:
    """Counts runs by what happens to them, and reports the span of each run when it has ended."""

    telemetry: Telemetry

    def current_trace(self) -> str:
        """Return the trace context of the current request, for a run that it creates; empty if it has none."""
        work = current_work.get()
        if not self.telemetry.is_tracing or not work.trace_id:
            return ""
        return TraceContext(work.trace_id, work.span_id, work.is_sampled).to_header()

    def record_creation(self) -> None:
        """Record a new run."""
        self.telemetry.metrics.runs_created.add()

    def record_decision(
        self, row: RunRow, before: RunState, run_input: RunInput, result: Transition, now: float
    ) -> None:
        """Record a decision about the run of a row, which was in the state `before`."""
        metrics = self.telemetry.metrics
        if isinstance(run_input, RunClaimed):
            if before.started_at is None:
                metrics.run_start_delay.observe(now - row.created_at)
            if before.status in _HELD:
                metrics.run_recoveries.add()
            if run_input.open_message is not None:
                metrics.turns_repeated.add()
                self._report_interrupted(row, before, now)
        if result.run.over:
            failure = result.run.failure
            metrics.runs_ended.add(1, str(result.run.status), failure.code if failure else "")
            self._report_run(row, result.run, now)

    def _report_run(self, row: RunRow, run: RunState, now: float) -> None:
        if not self.telemetry.is_tracing:
            return
        parent = find_trace(run, self.telemetry)
        attributes = {
            names.OPERATION: names.INVOKE_AGENT,
            names.AGENT_ID: row.assistant_id,
            names.CONVERSATION: row.thread_id,
            names.REQUEST_MODEL: row.model,
            names.USER: row.owner,
            names.INPUT_TOKENS: run.usage.prompt_tokens,
            names.OUTPUT_TOKENS: run.usage.completion_tokens,
            names.RUN_ID: row.id,
            names.RUN_STATUS: str(run.status),
            names.RUN_TURNS: run.turn,
        }
        context, error = run_span(run, self.telemetry), run.failure.code if run.failure else ""
        created = row.created_at if run.started_at is None else min(row.created_at, run.started_at)
        span = Span(names.INVOKE_AGENT, "internal", context, parent.span_id, created, now, attributes, error)
        self.telemetry.emit(span, always=run.status is RunStatus.FAILED)

    def _report_interrupted(self, row: RunRow, run: RunState, now: float) -> None:
        """Report the model call of a worker that stopped: its start is the claim, its end is not known."""
        if not self.telemetry.is_tracing:
            return
        began = min(row.claimed_at or run.started_at or now, now)
        attributes = {
            names.OPERATION: names.CHAT,
            names.CONVERSATION: row.thread_id,
            names.REQUEST_MODEL: row.model,
            names.RUN_ID: row.id,
        }
        parent = run_span(run, self.telemetry)
        context = parent._replace(span_id=derive_span_id(row.id, names.CHAT, row.version))
        span = Span(
            f"{names.CHAT} {row.model}", "client", context, parent.span_id, began, began, attributes, INTERRUPTED
        )
        self.telemetry.emit(span)


def find_trace(run: RunState, telemetry: Telemetry) -> TraceContext:
    """Return the trace of a run and its parent there: those of the request that created it, or else its own."""
    if found := parse_traceparent(run.trace):
        return found
    trace_id = derive_trace_id(run.id)
    return TraceContext(trace_id, "", telemetry.samples(trace_id))


def run_span(run: RunState, telemetry: Telemetry) -> TraceContext:
    """Return the span of a run, which is the parent of the spans of its calls."""
    return find_trace(run, telemetry)._replace(span_id=derive_span_id(run.id, names.INVOKE_AGENT))


def run_context(row: RunRow, run: RunState, telemetry: Telemetry) -> WorkContext:
    """Return the context of work on the run of a row."""
    if not telemetry.is_tracing and not run.trace:
        return WorkContext(run_id=row.id, thread_id=row.thread_id)
    span = run_span(run, telemetry)
    return WorkContext("", row.id, row.thread_id, span.trace_id, span.span_id, span.is_sampled)

"""Spans of calls of platform tools."""

from typing import Any

from projectdavid.engine.run import FunctionCall
from projectdavid.instruments import span_names as names
from projectdavid.instruments.spans import Span, derive_span_id
from projectdavid.instruments.telemetry import Telemetry
from projectdavid.ports.rows import RunRow
from projectdavid.runtime.runs.records import run_of
from projectdavid.runtime.runs.run_telemetry import run_span
from projectdavid.runtime.tool_calls.toolbox import CallResult

MAX_CONTENT = 32 * 1024
"""Maximum characters of an attribute with content."""
CUT = " [cut]"
DATASTORES = frozenset({"file_search"})
"""Tools that search data of the caller."""


def build_call_span(
    telemetry: Telemetry, row: RunRow, call: FunctionCall, result: CallResult, began: float, ended: float
) -> Span:
    """Build the span of a call of the run of a row."""
    outcome = "error" if result.failed else "ok"
    attributes: dict[str, Any] = {
        names.OPERATION: names.EXECUTE_TOOL,
        names.TOOL_NAME: call.name,
        names.TOOL_CALL_ID: call.id,
        names.TOOL_TYPE: "datastore" if call.tool in DATASTORES else "extension",
        names.CONVERSATION: row.thread_id,
        names.RUN_ID: row.id,
        names.TOOL_EFFECT: str(call.effect),
        names.TOOL_OUTCOME: outcome,
    }
    if telemetry.options.records_content:
        attributes[names.TOOL_ARGUMENTS] = cut_content(call.arguments)
        attributes[names.TOOL_RESULT] = cut_content(result.output)
    parent = run_span(run_of(row), telemetry)
    context = parent._replace(span_id=derive_span_id(row.id, names.EXECUTE_TOOL, call.id))
    error = "tool_error" if result.failed else ""
    name = f"{names.EXECUTE_TOOL} {call.name}"
    return Span(name, "internal", context, parent.span_id, began, ended, attributes, error)


def cut_content(text: str) -> str:
    """Return a text that fits into an attribute, with a mark if it was cut."""
    return text if len(text) <= MAX_CONTENT else text[: MAX_CONTENT - len(CUT)] + CUT

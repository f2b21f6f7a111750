"""Builders of journal entries, shared by several steps of a run."""

from projectdavid.engine.deltas import JournalEntry, ModelReply, WarningDelta
from projectdavid.engine.run import FunctionCall, MadeFile, MessageImage, RunFailure, RunState, journal_entry

MAX_WARNINGS = 20


def status_entry(run: RunState, **data: object) -> JournalEntry:
    """Build the entry for the current status."""
    return journal_entry("status", status=str(run.status), **data)


def end_entry(run: RunState) -> JournalEntry:
    """Build the final status entry, with usage."""
    data: dict[str, object] = {"usage": run.usage.to_wire()}
    if run.incomplete:
        data["incomplete_details"] = run.incomplete
    return status_entry(run, **data)


def completion_entries(reply: ModelReply, status: str, images: tuple[MessageImage, ...]) -> tuple[JournalEntry, ...]:
    """Build the entry that completes the message of a turn; empty if the turn has no message."""
    if not reply.has_content:
        return ()
    shown: dict[str, object] = {"attachments": image_attachments(images)} if images else {}
    if reply.annotations:
        shown["annotations"] = reply.annotations
    if reply.removed_citations:
        shown["removed_citations"] = reply.removed_citations
    return (journal_entry("message_completed", message_id=reply.message_id, status=status, **shown),)


def image_attachments(images: tuple[MessageImage, ...]) -> list[dict[str, str]]:
    """Convert images to the attachments of a message."""
    return [
        {"type": "image", "file_id": image.file_id, "filename": image.filename, "mime_type": image.mime_type}
        for image in images
    ]


def discard_entries(message_id: str | None) -> tuple[JournalEntry, ...]:
    """Build the entry that discards an unfinished message; empty if there is no message."""
    return (journal_entry("message_discarded", message_id=message_id),) if message_id else ()


def output_entry(call_id: str, output: str, *, error: bool = False, unknown: bool = False) -> JournalEntry:
    """Build the entry for the output of a call."""
    outcome = {"outcome": "unknown"} if unknown else {}
    return journal_entry("tool_output", tool_call_id=call_id, output=output, error=error, **outcome)


def file_entry(call: FunctionCall, file: MadeFile) -> JournalEntry:
    """Build the entry for a file that a call created."""
    return journal_entry(
        "file",
        tool_call_id=call.id,
        tool=call.tool,
        file_id=file.id,
        filename=file.name,
        mime_type=file.mime_type,
        size=file.size,
        url=file.url,
    )


def start_entry(call: FunctionCall) -> JournalEntry:
    """Build the entry for the start of a platform tool call."""
    return journal_entry("tool_started", tool_call_id=call.id, action_id=call.action_id, tool=call.tool, name=call.name)


def error_entry(failure: RunFailure) -> JournalEntry:
    """Build the entry for a failure."""
    return journal_entry("error", code=failure.code, message=failure.message, content=failure.message)


def warning_entry(warned: WarningDelta) -> JournalEntry:
    """Build the entry for a warning."""
    return journal_entry("warning", code=warned.code, message=warned.message)


def add_warnings(run: RunState, warnings: tuple[WarningDelta, ...]) -> RunState:
    """Add warnings to a run, without duplicates."""
    new = tuple(one for one in warnings if one not in run.warnings)
    return run._replace(warnings=(*run.warnings, *new)[:MAX_WARNINGS]) if new else run

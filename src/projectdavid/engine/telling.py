"""The journal entries that several steps of a run tell."""

from dataclasses import replace

from projectdavid.engine.deltas import Entry, Reply, Warned
from projectdavid.engine.run import Call, Failure, Image, MadeFile, Run, told

MOST_WARNINGS = 20


def status_told(run: Run, **data: object) -> Entry:
    """Where the run stands now."""
    return told("status", status=str(run.status), **data)


def ended_told(run: Run) -> Entry:
    """How the run ended, and what it used."""
    data: dict[str, object] = {"usage": run.usage.to_wire()}
    if run.incomplete:
        data["incomplete_details"] = run.incomplete
    return status_told(run, **data)


def completed_told(reply: Reply, status: str, images: tuple[Image, ...]) -> tuple[Entry, ...]:
    """The message of a turn is whole, if it said anything."""
    if not reply.spoken:
        return ()
    shown: dict[str, object] = {"attachments": attachments(images)} if images else {}
    if reply.annotations:
        shown["annotations"] = reply.annotations
    if reply.removed_citations:
        shown["removed_citations"] = reply.removed_citations
    return (told("message_completed", message_id=reply.message_id, status=status, **shown),)


def attachments(images: tuple[Image, ...]) -> list[dict[str, str]]:
    """The images of a message, as it has them."""
    return [
        {"type": "image", "file_id": image.file_id, "filename": image.filename, "mime_type": image.mime_type}
        for image in images
    ]


def discarded_told(message_id: str | None) -> tuple[Entry, ...]:
    """What the message said so far is taken back, if one was begun."""
    return (told("message_discarded", message_id=message_id),) if message_id else ()


def output_told(call_id: str, output: str, *, error: bool = False, unknown: bool = False) -> Entry:
    """A call has its output."""
    outcome = {"outcome": "unknown"} if unknown else {}
    return told("tool_output", tool_call_id=call_id, output=output, error=error, **outcome)


def file_told(call: Call, file: MadeFile) -> Entry:
    """A call has made a file."""
    return told(
        "file",
        tool_call_id=call.id,
        tool=call.tool,
        file_id=file.id,
        filename=file.name,
        mime_type=file.mime_type,
        size=file.size,
        url=file.url,
    )


def started_told(call: Call) -> Entry:
    """The platform is about to run a call."""
    return told("tool_started", tool_call_id=call.id, action_id=call.action_id, tool=call.tool, name=call.name)


def error_told(failure: Failure) -> Entry:
    """Why the run is about to fail."""
    return told("error", code=failure.code, message=failure.message, content=failure.message)


def warning_told(warned: Warned) -> Entry:
    """Something that the reader of an answer should know."""
    return told("warning", code=warned.code, message=warned.message)


def with_warnings(run: Run, warnings: tuple[Warned, ...]) -> Run:
    """The run with more warnings, each once."""
    new = tuple(one for one in warnings if one not in run.warnings)
    return replace(run, warnings=(*run.warnings, *new)[:MOST_WARNINGS]) if new else run

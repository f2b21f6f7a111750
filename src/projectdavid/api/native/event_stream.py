"""Journal entries as frames of the native streams: live, late and resumed readers get the same bytes."""

from collections.abc import AsyncGenerator, Callable, Sequence
from itertools import cycle
from typing import Any

import msgspec

from projectdavid.api.http.sse import KEEP_ALIVE
from projectdavid.api.requests.authentication import Caller
from projectdavid.api.resources.run_reader import ReaderLostAccess, read
from projectdavid.ports.rows import RunRow
from projectdavid.protocol.runs import TERMINAL_STATUSES
from projectdavid.protocol.statuses import status_to_wire
from projectdavid.runtime.runs.journal import DELTAS, JournalPart

PAUSED = TERMINAL_STATUSES | {"requires_action"}
MANIFEST = "tool_call_manifest"
OF_TOOLS = frozenset({"code", "output", "file"})
TOLD_TO_COMPLETIONS = frozenset({"status", "content", "refusal", "reasoning", MANIFEST, "error", *OF_TOOLS})
COMPLETIONS_STATUS = {"in_progress": "processing", "queued": "started", "completed": "complete"}

_encode = msgspec.json.encode
_decode = msgspec.json.decode


async def events(caller: Caller, row: RunRow, after: int) -> AsyncGenerator[bytes]:
    """Frames of `GET /v1/runs/{id}/events`, after the position `after` until the end of the run."""
    try:
        async for told in read(caller, row, after, TERMINAL_STATUSES):
            yield _frames(told, row.id, "events", _named_frames) if told else KEEP_ALIVE
    except ReaderLostAccess as ended:
        yield b"event: error\ndata: %b\n\n" % _encode(_end_event(ended, row.id))


async def chunks(caller: Caller, row: RunRow, after: int) -> AsyncGenerator[bytes]:
    """Frames of `POST /v1/completions`, after the position `after` until the run ends or waits for its caller."""
    try:
        async for told in read(caller, row, after, PAUSED):
            yield _frames(told, row.id, "completions", _chunk) if told else KEEP_ALIVE
    except ReaderLostAccess as ended:
        yield b"data: %b\n\n" % _encode(_end_event(ended, row.id))


def _frames(told: list[JournalPart], run_id: str, wire: str, encode: Callable[[JournalPart, str], bytes]) -> bytes:
    """Encode events for a wire; readers of the same events share the encoded frames."""
    parts: list[bytes] = []
    for part in told:
        frames = part.frames.get(wire)
        if frames is None:
            frames = part.frames[wire] = encode(part, run_id)
        parts.append(frames)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _end_event(ended: ReaderLostAccess, run_id: str) -> dict[str, Any]:
    """Return the event that ends a stream before its run; it has no position in the journal."""
    told = {"code": ended.code, "message": ended.message, "content": ended.message}
    return {"type": "error", **told, "run_id": run_id}


def _named_frames(told: JournalPart, run_id: str) -> bytes:
    if told.kind in DELTAS:
        return _deltas(told, run_id, f"event: {told.kind}\n".encode(), told.kind, _stamps(told))
    data = _data(told, run_id)
    if told.times:
        data["at"] = msgspec.Raw(_seconds(told.times[0]))
    name = "action_required" if told.kind == MANIFEST else told.kind
    return b"id: %d\nevent: %b\ndata: %b\n\n" % (told.position, name.encode(), _encode(data))


def _chunk(told: JournalPart, run_id: str) -> bytes:
    if told.kind not in TOLD_TO_COMPLETIONS:
        return b""
    if told.kind in DELTAS:
        # Clients of that wire do not know refusals, so they receive them as content.
        return _deltas(told, run_id, b"", "content" if told.kind == "refusal" else told.kind)
    data = _data(told, run_id)
    if told.kind in OF_TOOLS:
        data = _of_tool(data)
    elif told.kind == "status":
        data["status"] = COMPLETIONS_STATUS.get(data["status"], data["status"])
    return b"id: %d\ndata: %b\n\n" % (told.position, _encode(data))


def _of_tool(data: dict[str, Any]) -> dict[str, Any]:
    """Return a tool's event in the format of the Project David wire, whose client only shows plain shell output."""
    if data.get("stream") == "terminal":
        return {"type": "computer_output", "content": data["content"], "run_id": data["run_id"]}
    stream = "code_execution"
    match data["type"]:
        case "code":
            chunk = {"type": "hot_code", "content": data["content"]}
        case "output":
            chunk = {"type": "hot_code_output", "content": data["content"]}
        case _:
            named = {name: data[name] for name in ("filename", "file_id", "url", "mime_type")}
            chunk = {"type": "code_interpreter_file", **named, "base64": None}
            if data["tool"] == "computer":
                stream = "shell"
                chunk["type"] = "computer_file"
    return {"stream_type": stream, "chunk": chunk, "run_id": data["run_id"]}


def _deltas(told: JournalPart, run_id: str, name: bytes, kind: str, stamps: Sequence[bytes] = (b"",)) -> bytes:
    """Hot path: each piece of text is already JSON. `stamps` are the last fields, one for each piece or one for all."""
    head = b'\n%bdata: {"type":"%b","content":' % (name, kind.encode())
    ends = [b',"run_id":"%b"%b}\n\n' % (run_id.encode(), stamp) for stamp in stamps]
    if len(told.items) == 1:
        return b"id: %d%b%b%b" % (told.position, head, told.items[0], ends[0])
    pieces = enumerate(zip(told.items, cycle(ends), strict=False), told.position)
    return b"".join([b"id: %d%b%b%b" % (position, head, item, end) for position, (item, end) in pieces])


def _stamps(told: JournalPart) -> Sequence[bytes]:
    return [b',"at":%b' % _seconds(written_ms) for written_ms in told.times] or [b""]


def _seconds(milliseconds: int) -> bytes:
    return b"%d.%03d" % divmod(milliseconds, 1000)


def _data(told: JournalPart, run_id: str) -> dict[str, Any]:
    data: dict[str, Any] = {"type": told.kind, **_decode(told.items[0]), "run_id": run_id}
    if told.kind == "status":
        data["status"] = status_to_wire(data["status"])
    elif told.kind == MANIFEST:
        data |= {
            "tool_name": data["tool"],
            "function_arguments": data["args"],
            "action_status": "pending",
            "run_status": "action_required",
        }
    return data

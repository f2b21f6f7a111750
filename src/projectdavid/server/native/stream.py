"""Journal entries in the words of the native streams: the same bytes live, late and again."""

from collections.abc import AsyncGenerator
from dataclasses import replace
from typing import Any

import msgspec

from projectdavid.ports.store import Row
from projectdavid.protocol.runs import TERMINAL_STATUSES
from projectdavid.runtime.journal import DELTAS, Told
from projectdavid.server.auth import Caller
from projectdavid.server.http.sse import KEEP_ALIVE
from projectdavid.server.objects.run_reader import StreamEnded, read

PAUSED = TERMINAL_STATUSES | {"requires_action"}
MANIFEST = "tool_call_manifest"
OF_TOOLS = frozenset({"code", "output", "file"})
TOLD_TO_COMPLETIONS = frozenset({"status", "content", "refusal", "reasoning", MANIFEST, "error", *OF_TOOLS})
COMPLETIONS_STATUS = {"in_progress": "processing", "queued": "started", "completed": "complete"}

_encode = msgspec.json.encode
_decode = msgspec.json.decode


async def events(caller: Caller, row: Row, after: int) -> AsyncGenerator[bytes]:
    """Frames of `GET /v1/runs/{id}/events`, from behind `after` to the end of the run."""
    try:
        async for told in read(caller, row, after, TERMINAL_STATUSES):
            yield b"".join(_named(part, row.id) for part in told) if told else KEEP_ALIVE
    except StreamEnded as ended:
        yield b"event: error\ndata: %b\n\n" % _encode(_ended(ended, row.id))


async def chunks(caller: Caller, row: Row, after: int) -> AsyncGenerator[bytes]:
    """Frames of `POST /v1/completions`, from behind `after` until the run ends or waits for its caller."""
    try:
        async for told in read(caller, row, after, PAUSED):
            yield b"".join(_chunk(part, row.id) for part in told) if told else KEEP_ALIVE
    except StreamEnded as ended:
        yield b"data: %b\n\n" % _encode(_ended(ended, row.id))


def _ended(ended: StreamEnded, run_id: str) -> dict[str, Any]:
    """The event that ends a stream before its run; it has no position in the journal."""
    told = {"code": ended.code, "message": ended.message, "content": ended.message}
    return {"type": "error", **told, "run_id": run_id}


def _named(told: Told, run_id: str) -> bytes:
    if told.kind in DELTAS:
        return _deltas(told, run_id, f"event: {told.kind}\n".encode())
    data = _data(told, run_id)
    name = "action_required" if told.kind == MANIFEST else told.kind
    return b"id: %d\nevent: %b\ndata: %b\n\n" % (told.position, name.encode(), _encode(data))


def _chunk(told: Told, run_id: str) -> bytes:
    if told.kind not in TOLD_TO_COMPLETIONS:
        return b""
    if told.kind in DELTAS:
        # Clients of that wire know no refusals: to them it is what the model said.
        return _deltas(replace(told, kind="content") if told.kind == "refusal" else told, run_id, b"")
    data = _data(told, run_id)
    if told.kind in OF_TOOLS:
        data = _of_tool(data)
    elif told.kind == "status":
        data["status"] = COMPLETIONS_STATUS.get(data["status"], data["status"])
    return b"id: %d\ndata: %b\n\n" % (told.position, _encode(data))


def _of_tool(data: dict[str, Any]) -> dict[str, Any]:
    """What a call told, in the words of the Project David wire; its client shows what a shell puts out only bare."""
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


def _deltas(told: Told, run_id: str, name: bytes) -> bytes:
    """The hot path: each piece of text is JSON already."""
    head = b'\n%bdata: {"type":"%b","content":' % (name, told.kind.encode())
    end = b',"run_id":"%b"}\n\n' % run_id.encode()
    return b"".join(
        [b"id: %d%b%b%b" % (position, head, item, end) for position, item in enumerate(told.items, told.position)]
    )


def _data(told: Told, run_id: str) -> dict[str, Any]:
    data: dict[str, Any] = {"type": told.kind, **_decode(told.items[0]), "run_id": run_id}
    if told.kind == MANIFEST:
        data |= {
            "tool_name": data["tool"],
            "function_arguments": data["args"],
            "action_status": "pending",
            "run_status": "requires_action",
        }
    return data

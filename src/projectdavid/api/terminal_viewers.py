"""One viewer of one terminal: its frames, its few commands, and the end of its permission."""

import asyncio
from collections.abc import Iterator
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Any

import msgspec
from starlette.websockets import WebSocket, WebSocketDisconnect

from projectdavid.api.terminal_escapes import EscapeFilter
from projectdavid.ports import queries
from projectdavid.ports.terminal import (
    CommandCompleted,
    FileMade,
    TerminalLost,
    TerminalOutput,
    TerminalService,
)
from projectdavid.security.tickets import ViewerTicket
from projectdavid.services.platform import Platform

MAX_VIEWERS = 64
"""Open connections per owner, because slow ones buffer output in memory."""
PIECE = 32 * 1024
"""Bytes of output per frame."""


@dataclass(frozen=True, slots=True)
class CloseReason:
    """Close code and reason of a connection."""

    code: int
    reason: str


_REFUSED = 1008
"""RFC 6455, section 7.4.1: policy violation."""
_OVER = CloseReason(1000, "The terminal has ended.")
_LOST = CloseReason(1012, "The process with the terminal is gone. Connect again to watch the thread's next terminal.")
_LEFT = CloseReason(1000, "Goodbye.")
_NO_MORE = CloseReason(_REFUSED, "The key or the thread of this connection was revoked or deleted.")


class _Said(msgspec.Struct):
    """A message of a viewer."""

    action: str


class TerminalViewer:
    """A connection opened with a ticket."""

    def __init__(self, websocket: WebSocket, platform: Platform, ticket: ViewerTicket) -> None:
        self._websocket = websocket
        self._platform = platform
        self._ticket = ticket

    async def may_watch(self) -> bool:
        """True if the key of the ticket is still valid, and the thread still belongs to its owner."""
        view = self._platform.store.of(self._ticket.owner)
        key = await view.one(queries.KEY_OF, prefix=self._ticket.key_prefix)
        if key is None or key.revoked_at is not None:
            return False
        if key.expires_at is not None and key.expires_at <= self._platform.clock():
            return False
        return await view.one(queries.THREAD, id=self._ticket.thread_id) is not None

    async def serve(self, terminals: TerminalService) -> None:
        """Stream the terminal until either side closes, or the viewer loses the permission."""
        viewers, owner = self._platform.viewers, self._ticket.owner
        viewers[owner] += 1
        try:
            await self._serve(terminals)
        finally:
            viewers[owner] -= 1
            if not viewers[owner]:
                del viewers[owner]

    async def _serve(self, terminals: TerminalService) -> None:
        await self._websocket.accept()
        tasks = [asyncio.create_task(one) for one in (self._listen(), self._look(), self._show(terminals))]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            over = next(task for task in tasks if task.done())
            with suppress(WebSocketDisconnect):
                await self._websocket.close(over.result().code, over.result().reason)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _listen(self) -> CloseReason:
        """Answer pings, and reject all other messages: the connection is read-only."""
        while True:
            match _action(await self._websocket.receive()):
                case "ping":
                    await self._send({"type": "pong"})
                case "disconnect":
                    return _LEFT
                case action:
                    what = "No message" if action is None else f"The action {action[:64]!r} is refused"
                    message = f"{what}: connections are read-only. Only {{'action': 'ping'}} is allowed."
                    await self._send({"type": "error", "code": "observers_only", "message": message})
                    return CloseReason(_REFUSED, "Connections are read-only.")

    async def _look(self) -> CloseReason:
        """Check the permission regularly while there is no output."""
        while True:
            await asyncio.sleep(self._platform.settings.stream_keep_alive)
            if not await self.may_watch():
                return _NO_MORE

    async def _show(self, terminals: TerminalService) -> CloseReason:
        screen = _Screen()
        async with aclosing(terminals.watch(self._ticket.thread_id)) as sights:
            async for sight in sights:
                if isinstance(sight, TerminalLost):
                    return _LOST
                for frame in screen.frames(sight):
                    # Checked before each frame, so nothing is shown after the permission ends.
                    if not await self.may_watch():
                        return _NO_MORE
                    await self._send(frame)
        return _OVER

    async def _send(self, frame: dict[str, Any]) -> None:
        await self._websocket.send_text(msgspec.json.encode(frame).decode())


def _action(message: Any) -> str | None:
    """Return the action of a message; None if it has none.

    Raises:
        WebSocketDisconnect: the connection is closed.
    """
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message["code"])
    try:
        return msgspec.json.decode(message.get("text") or "", type=_Said).action
    except (msgspec.DecodeError, RecursionError):
        return None


class _Screen:
    """Converts output to frames, and counts lost bytes between them."""

    def __init__(self) -> None:
        self._cleaner = EscapeFilter()
        self._end: int | None = None
        self._lost = 0

    def frames(self, sight: TerminalOutput | CommandCompleted | FileMade) -> Iterator[dict[str, Any]]:
        """Return the frames for a piece of output."""
        match sight:
            case TerminalOutput():
                yield from self._render_output(sight)
            case CommandCompleted(command, exit_status):
                yield {"type": "command_complete", "command": command, "exit_status": exit_status}
            case FileMade(file):
                made = {"file_id": file.id, "filename": file.name, "mime_type": file.mime_type, "size": file.size}
                yield {"type": "computer_file", **made}

    def _render_output(self, shown: TerminalOutput) -> Iterator[dict[str, Any]]:
        start = shown.position - len(shown.data)
        if self._end is not None and start < self._end:
            self._cleaner, self._lost = EscapeFilter(), 0  # another session, on another terminal
        elif self._end is not None:
            self._lost += start - self._end
        self._end = shown.position
        for at in range(0, len(shown.data), PIECE):
            piece = shown.data[at : at + PIECE]
            content = self._cleaner.clean(piece)
            if content:
                position = start + at + len(piece)
                yield {"type": "shell_output", "content": content, "position": position, "lost": self._lost}
                self._lost = 0

"""One viewer of one terminal: what it is sent, the little that it may say, and when it has to go."""

import asyncio
from collections.abc import Iterator
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Any

import msgspec
from starlette.websockets import WebSocket, WebSocketDisconnect

from projectdavid.ports.terminal import Completed, Made, Shown, Sight, Terminals
from projectdavid.server.escapes import Cleaner
from projectdavid.server.platform import Platform
from projectdavid.server.tickets import Ticket

MAX_VIEWERS = 64
"""Connections of one owner at once, because what is kept for slow ones takes memory."""
PIECE = 32 * 1024
"""Bytes of the terminal in one frame."""


@dataclass(frozen=True, slots=True)
class Goodbye:
    """With what a connection is closed."""

    code: int
    reason: str


_REFUSED = 1008
"""RFC 6455, section 7.4.1: a message that violates the policy."""
_OVER = Goodbye(1000, "The terminal is over.")
_LEFT = Goodbye(1000, "Goodbye.")
_NO_MORE = Goodbye(_REFUSED, "The key or the thread of this connection is no more.")


class _Said(msgspec.Struct):
    """What a viewer may send."""

    action: str


class Viewer:
    """A connection that was opened with a ticket."""

    def __init__(self, websocket: WebSocket, platform: Platform, ticket: Ticket) -> None:
        self._websocket = websocket
        self._platform = platform
        self._ticket = ticket

    async def may_watch(self) -> bool:
        """Whether the key that asked for the ticket still opens something, and the thread is still its owner's."""
        view = self._platform.store.of(self._ticket.owner)
        key = await view.one("key_of", prefix=self._ticket.key_prefix)
        if key is None or key.revoked_at is not None:
            return False
        if key.expires_at is not None and key.expires_at <= self._platform.clock():
            return False
        return await view.one("thread", id=self._ticket.thread_id) is not None

    async def serve(self, terminals: Terminals) -> None:
        """Show the terminal until either side is done, or the viewer may not see it any more."""
        viewers, owner = self._platform.viewers, self._ticket.owner
        viewers[owner] += 1
        try:
            await self._serve(terminals)
        finally:
            viewers[owner] -= 1
            if not viewers[owner]:
                del viewers[owner]

    async def _serve(self, terminals: Terminals) -> None:
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

    async def _listen(self) -> Goodbye:
        """Answer pings; whoever says anything else has taken this for a keyboard."""
        while True:
            match _action(await self._websocket.receive()):
                case "ping":
                    await self._send({"type": "pong"})
                case "disconnect":
                    return _LEFT
                case action:
                    what = "No message" if action is None else f"The action {action[:64]!r} is refused"
                    message = f"{what}: a viewer only watches. It may send {{'action': 'ping'}}."
                    await self._send({"type": "error", "code": "observers_only", "message": message})
                    return Goodbye(_REFUSED, "A viewer only watches.")

    async def _look(self) -> Goodbye:
        """See again and again, where nothing is shown."""
        while True:
            await asyncio.sleep(self._platform.settings.keep_alive)
            if not await self.may_watch():
                return _NO_MORE

    async def _show(self, terminals: Terminals) -> Goodbye:
        screen = _Screen()
        async with aclosing(terminals.watch(self._ticket.thread_id)) as sights:
            async for sight in sights:
                for frame in screen.frames(sight):
                    # Each time: nothing is shown behind the moment at which it may not be.
                    if not await self.may_watch():
                        return _NO_MORE
                    await self._send(frame)
        return _OVER

    async def _send(self, frame: dict[str, Any]) -> None:
        await self._websocket.send_text(msgspec.json.encode(frame).decode())


def _action(message: Any) -> str | None:
    """What a message asks for; None if it is none that says so.

    Raises:
        WebSocketDisconnect: the connection is over.
    """
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message["code"])
    try:
        return msgspec.json.decode(message.get("text") or "", type=_Said).action
    except (msgspec.DecodeError, RecursionError):
        return None


class _Screen:
    """Turns what is seen into frames, and counts what was lost between them."""

    def __init__(self) -> None:
        self._cleaner = Cleaner()
        self._end: int | None = None
        self._lost = 0

    def frames(self, sight: Sight) -> Iterator[dict[str, Any]]:
        """What is sent of it."""
        match sight:
            case Shown():
                yield from self._shown(sight)
            case Completed(command, exit_status):
                yield {"type": "command_complete", "command": command, "exit_status": exit_status}
            case Made(file):
                made = {"file_id": file.id, "filename": file.name, "mime_type": file.mime_type, "size": file.size}
                yield {"type": "computer_file", **made}

    def _shown(self, shown: Shown) -> Iterator[dict[str, Any]]:
        start = shown.position - len(shown.data)
        if self._end is not None and start < self._end:
            self._cleaner, self._lost = Cleaner(), 0  # another session, on another terminal
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

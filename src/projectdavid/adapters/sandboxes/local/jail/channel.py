"""Messages between the server, the supervisor and the zygote: JSON with attached file descriptors."""

import json
import os
import socket
import struct
from dataclasses import dataclass
from typing import Any, Final

_LARGEST: Final = 64 << 10
_MOST_FILES: Final = 8
_CREDENTIALS: Final = struct.Struct("=iII")


@dataclass(frozen=True)
class ChannelMessage:
    """One message; `pid` is the sender according to the kernel, if the socket requests it."""

    body: dict[str, Any]
    files: tuple[int, ...] = ()
    pid: int = 0


def pair() -> tuple[socket.socket, socket.socket]:
    """Create both ends of a channel with message boundaries."""
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


def send(end: socket.socket, body: dict[str, Any], files: tuple[int, ...] = ()) -> None:
    """Send a message.

    Raises:
        OSError: the other end is gone.
    """
    socket.send_fds(end, [json.dumps(body).encode()], list(files))


def receive(end: socket.socket) -> ChannelMessage | None:
    """Return the next message; None at the end.

    Raises:
        BlockingIOError: no message is available, and the socket does not block.
    """
    room = socket.CMSG_SPACE(_MOST_FILES * 4) + socket.CMSG_SPACE(_CREDENTIALS.size)
    try:
        data, extras, _, _ = end.recvmsg(_LARGEST, room, socket.MSG_CMSG_CLOEXEC)
    except ConnectionError:
        return None
    files: list[int] = []
    pid = 0
    for level, kind, payload in extras:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            files += struct.unpack(f"={len(payload) // 4}i", payload[: len(payload) // 4 * 4])
        elif level == socket.SOL_SOCKET and kind == socket.SCM_CREDENTIALS:
            pid = _CREDENTIALS.unpack(payload[: _CREDENTIALS.size])[0]
    if not data:
        return None
    try:
        body = json.loads(data)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        for file in files:
            os.close(file)
        return None
    return ChannelMessage(body, tuple(files), pid)

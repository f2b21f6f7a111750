"""The connection between the agent and its Python worker: datagrams, so a malformed one does not affect others."""

import json
import os
import select
import socket
import threading
from collections.abc import Mapping
from typing import Any

_PART = 64 << 10
_BODY, _HEAD = b"b", b"h"
DATAGRAM = 128 << 10
"""Maximum bytes of a datagram."""


def pair() -> tuple[socket.socket, socket.socket]:
    """Create a connected pair of sockets."""
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


def datagrams(header: Mapping[str, object], body: bytes) -> list[bytes]:
    """Split a message into datagrams: the pieces of its body, then its header."""
    pieces = [_BODY + body[start : start + _PART] for start in range(0, len(body), _PART)]
    return [*pieces, _HEAD + json.dumps({**header, "size": len(body)}).encode()]


class MessageAssembler:
    """Reassembles messages from datagrams; inconsistent ones are dropped."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._body = bytearray()

    def take(self, datagram: bytes) -> tuple[dict[str, Any], bytes] | None:
        """Return the message that this datagram completes, if any."""
        if datagram[:1] == _BODY:
            if len(self._body) <= self._limit:
                self._body += datagram[1:]
            return None
        if datagram[:1] != _HEAD:
            return None
        body = bytes(self._body)
        self._body.clear()
        try:
            header = json.loads(datagram[1:])
        except (ValueError, RecursionError):
            return None
        size = header.get("size") if isinstance(header, dict) else None
        if not isinstance(size, int) or not 0 <= size <= len(body):
            return None
        # Earlier pieces belong to no message.
        return header, body[len(body) - size :]


class WorkerLink:
    """The worker's end. Neither Ctrl-C nor another thread can interrupt a message."""

    def __init__(self, fd: int) -> None:
        self._socket = socket.socket(fileno=fd)
        self._owner = os.getpid()
        self._lock = threading.Lock()
        self._gatherer = MessageAssembler(64 << 20)
        self.sending = False
        """Set while the main thread is within `send`, which must complete."""

    def send(self, header: Mapping[str, object], body: bytes = b"", *, answered: bool = False) -> None:
        """Send a message; with `answered`, wait briefly until the agent has received it.

        Output that was printed before a displayed value is read before it, so their order is kept.
        """
        if os.getpid() != self._owner:
            return
        main = threading.current_thread() is threading.main_thread()
        self.sending = self.sending or main
        try:
            with self._lock:
                for datagram in datagrams(header, body):
                    self._socket.send(datagram)
                if answered and select.select([self._socket], [], [], 1.0)[0]:
                    self._socket.recv(DATAGRAM)
        finally:
            if main:
                self.sending = False

    def receive(self) -> tuple[dict[str, Any], bytes] | None:
        """Wait for the next message; None if the agent is gone."""
        while datagram := self._socket.recv(DATAGRAM):
            if message := self._gatherer.take(datagram):
                return message
        return None

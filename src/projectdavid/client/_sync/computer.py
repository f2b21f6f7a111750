# Made from client/_async/computer.py by scripts/unasync.py: do not edit.
"""The terminals of threads."""

from collections.abc import Generator

from projectdavid.client._sync.transport import Transport
from projectdavid.client.primitives import socket_of
from projectdavid.client.resource import MethodGroup
from projectdavid.client.sockets import frame_of
from projectdavid.client.wire import IdentifiedObject, id_of
from projectdavid.protocol.computer import ComputerSession, TerminalFrame


class Computer(MethodGroup):
    """Terminals of the tool `computer`."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def create_session(self, room_id: str) -> ComputerSession:
        """Create a ticket to watch the terminal of a thread, for example in a browser; `room_id` is the thread's id."""
        query = {"room_id": room_id}
        return self._transport.ask(ComputerSession, "GET", "/v1/computer/session", query=query)

    def watch(self, thread: str | IdentifiedObject) -> Generator[TerminalFrame]:
        """Watch the terminal of a thread: yields its output as it happens, until you stop reading.

        Raises:
            APIConnectionError: the server cannot be reached, or the connection broke.
            NotFoundError: the thread does not exist.
            PermissionDeniedError: the key was revoked or the thread deleted.
            ImportError: the package websockets is not installed.
        """
        session = self.create_session(id_of(thread))
        query = {"room": session.room_id, "token": session.token, "role": "viewer"}
        with socket_of(self._transport.target, "/ws/computer", query) as messages:
            for message in messages:
                yield frame_of(message)

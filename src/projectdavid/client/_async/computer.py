"""The terminals of threads."""

from collections.abc import AsyncGenerator

from projectdavid.client._async.transport import AsyncTransport
from projectdavid.client.primitives import socket_async
from projectdavid.client.resource import MethodGroup
from projectdavid.client.sockets import frame_of
from projectdavid.client.wire import IdentifiedObject, id_of
from projectdavid.protocol.computer import ComputerSession, TerminalFrame


class AsyncComputer(MethodGroup):
    """Terminals of the tool `computer`."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def create_session(self, room_id: str) -> ComputerSession:
        """Create a ticket to watch the terminal of a thread, for example in a browser; `room_id` is the thread's id."""
        query = {"room_id": room_id}
        return await self._transport.ask(ComputerSession, "GET", "/v1/computer/session", query=query)

    async def watch(self, thread: str | IdentifiedObject) -> AsyncGenerator[TerminalFrame]:
        """Watch the terminal of a thread: yields its output as it happens, until you stop reading.

        Raises:
            APIConnectionError: the server cannot be reached, or the connection broke.
            NotFoundError: the thread does not exist.
            PermissionDeniedError: the key was revoked or the thread deleted.
            ImportError: the package websockets is not installed.
        """
        session = await self.create_session(id_of(thread))
        query = {"room": session.room_id, "token": session.token, "role": "viewer"}
        async with socket_async(self._transport.target, "/ws/computer", query) as messages:
            async for message in messages:
                yield frame_of(message)

"""The terminals of threads."""

from collections.abc import AsyncGenerator

from projectdavid.client._async.transport import AsyncTransport
from projectdavid.client.primitives import socket_async
from projectdavid.client.sockets import frame_of
from projectdavid.client.wire import Identified, id_of
from projectdavid.protocol.computer import ComputerSession, TerminalFrame


class AsyncComputer:
    """The shell that the tool `computer` uses, to look at."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def create_session(self, room_id: str) -> ComputerSession:
        """A ticket to watch the terminal of a thread, such as for a browser; `room_id` is the thread's id."""
        query = {"room_id": room_id}
        return await self._transport.ask(ComputerSession, "GET", "/v1/computer/session", query=query)

    async def watch(self, thread: str | Identified) -> AsyncGenerator[TerminalFrame]:
        """What the terminal of a thread shows, as it happens; ends when you stop reading.

        Raises:
            APIConnectionError: the server cannot be reached, or broke off.
            NotFoundError: there is no such thread.
            PermissionDeniedError: the key or the thread is gone meanwhile.
            ImportError: the package websockets is not installed.
        """
        session = await self.create_session(id_of(thread))
        query = {"room": session.room_id, "token": session.token, "role": "viewer"}
        async with socket_async(self._transport.target, "/ws/computer", query) as messages:
            async for message in messages:
                yield frame_of(message)

"""The bus over NATS."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from projectdavid.adapters.buses.remote import ANSWER_TIMEOUT, BusUnavailable, RemoteBus
from projectdavid.distribution import DISTRIBUTION
from projectdavid.lazy_modules import LazyModule

if TYPE_CHECKING:
    import nats
    import nats.errors as nats_errors
    from nats.aio.client import Client
    from nats.aio.msg import Msg
else:
    nats = LazyModule("nats")
    nats_errors = LazyModule("nats.errors")

MISSING = f"NATS needs a library that is not installed: pip install '{DISTRIBUTION}[nats]'"
MAX_BYTES = 64_000
"""NATS accepts 1 MiB by default."""


class NatsBus(RemoteBus):
    """A bus between all processes that are connected to the same NATS servers and use the same subject.

    Args:
        url: the servers, `nats://user:password@host:port`, separated by commas.
        subject: the subject that all processes of an installation share, and no other installation uses.

    Raises:
        ValueError: the library is not installed.
    """

    def __init__(self, url: str, subject: str = "projectdavid") -> None:
        if importlib.util.find_spec("nats") is None:
            raise ValueError(MISSING)
        self._servers = [server.strip() for server in url.split(",")]
        self._subject = subject
        super().__init__("NATS", self._listen, MAX_BYTES)

    async def _listen(self, receive: Callable[[str], None], lose: Callable[[], None]) -> _NatsConnection:
        problem: Exception | None = None

        async def note_problem(error: Exception) -> None:
            nonlocal problem
            problem = error

        async def note_loss() -> None:
            lose()

        async def pass_on(message: Msg) -> None:
            receive(message.data.decode(errors="replace"))

        try:
            client = await nats.connect(
                self._servers,
                name="projectdavid bus",
                error_cb=note_problem,
                closed_cb=note_loss,
                allow_reconnect=False,  # the bus reconnects by itself, and then notifies its listeners
                max_reconnect_attempts=1,
                reconnect_time_wait=0,
                connect_timeout=int(ANSWER_TIMEOUT),
            )
            try:
                await client.subscribe(self._subject, cb=pass_on)
            except BaseException:
                await client.close()
                raise
        except ValueError:  # its message can quote a part of the URL, and with it the password
            raise BusUnavailable("the URL of NATS is invalid") from None
        except (OSError, nats_errors.Error) as error:
            raise _to_unavailable(problem or error) from None
        return _NatsConnection(client, self._subject)


class _NatsConnection:
    def __init__(self, client: Client, subject: str) -> None:
        self._client = client
        self._subject = subject

    @property
    def is_closed(self) -> bool:
        return self._client.is_closed

    async def send(self, messages: Sequence[str]) -> None:
        try:
            for message in messages:
                await self._client.publish(self._subject, message.encode())
            await self._client.flush(int(ANSWER_TIMEOUT))
        except (OSError, nats_errors.Error) as error:
            raise _to_unavailable(error) from None

    async def close(self) -> None:
        with suppress(OSError, nats_errors.Error):
            await self._client.close()


def _to_unavailable(error: Exception) -> BusUnavailable:
    if isinstance(error, TimeoutError):
        return BusUnavailable("NATS does not answer")
    if isinstance(error, OSError):
        return BusUnavailable(error.strerror or "the connection failed")
    return BusUnavailable(str(error))

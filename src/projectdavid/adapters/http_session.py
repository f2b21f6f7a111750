"""The HTTP session that a client of one server shares between its requests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from projectdavid.lazy_modules import LazyModule

if TYPE_CHECKING:
    import aiohttp
else:
    aiohttp = LazyModule("aiohttp")


@dataclass(slots=True)
class LazySession:
    """Opens at the first request, because a session belongs to the event loop that runs when it is created.

    It keeps no cookies, and reads no proxies from the environment. The timeouts are seconds.
    """

    total_timeout: float | None = None
    connect_timeout: float | None = None
    idle_timeout: float | None = None
    connections: int = 100
    """Maximum number of open connections; 0: unlimited."""
    _session: aiohttp.ClientSession | None = None

    def get(self) -> aiohttp.ClientSession:
        """Return the session; open it if it is closed."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self.connections),
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
                timeout=aiohttp.ClientTimeout(
                    total=self.total_timeout, connect=self.connect_timeout, sock_read=self.idle_timeout
                ),
            )
        return self._session

    async def close(self) -> None:
        """Close its connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

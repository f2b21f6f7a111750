"""The HTTP session that a client of one server shares between its requests."""

import aiohttp


class LazySession:
    """Opens at the first request, because a session belongs to the event loop that runs when it is created.

    It keeps no cookies, and reads no proxies from the environment.
    """

    def __init__(self, timeout: aiohttp.ClientTimeout, connections: int = 100) -> None:
        """Set `connections`, the maximum number of open connections; 0: unlimited."""
        self._timeout = timeout
        self._connections = connections
        self._session: aiohttp.ClientSession | None = None

    def get(self) -> aiohttp.ClientSession:
        """Return the session; open it if it is closed."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self._connections),
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
                timeout=self._timeout,
            )
        return self._session

    async def close(self) -> None:
        """Close its connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

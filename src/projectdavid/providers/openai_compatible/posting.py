"""One JSON request and its JSON answer, whole: for what a provider does besides chatting."""

from typing import Any, TypeVar

import aiohttp
import msgspec

from projectdavid.providers.openai_compatible.failures import Failures
from projectdavid.providers.openai_compatible.server import Server

MOST_BYTES = 64 << 20
"""Of an answer."""
_MAX_ERROR_BODY = 64 * 1024

T = TypeVar("T")


class Posting:
    """Asks a provider's server; `timeout` in seconds for one request."""

    def __init__(self, server: Server, failures: Failures, timeout: float) -> None:
        self._server = server
        self._failures = failures
        self._timeout = timeout
        self._session: aiohttp.ClientSession | None = None

    async def ask(self, url: str, asked: dict[str, Any], answer: type[T]) -> T:
        """Ask once; gives the answer as this type.

        Raises:
            ModelError: refused, unreachable, or answered with something else.
        """
        try:
            body = msgspec.json.encode(asked)
        except UnicodeEncodeError:
            raise self._failures.unsendable("a text holds half a surrogate pair") from None
        try:
            async with self._client().post(
                url, data=body, headers=self._server.headers, allow_redirects=False
            ) as response:
                good = 200 <= response.status < 300
                told = await response.content.read(MOST_BYTES if good else _MAX_ERROR_BODY)
                while good and not response.content.at_eof() and len(told) < MOST_BYTES:
                    told += await response.content.read(MOST_BYTES - len(told))
        except TimeoutError:
            raise self._failures.silent(self._timeout) from None
        except (aiohttp.ClientError, OSError) as error:
            # Never chained: the errors of aiohttp hold the request with its headers, and so the key.
            raise self._failures.unreachable(f"{type(error).__name__}.") from None
        if not good:
            raise self._failures.refused(response.status, response.headers, told, model=asked["model"])
        try:
            return msgspec.json.decode(told, type=answer)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise self._failures.unreadable("its answer is none to what it was asked") from None

    async def close(self) -> None:
        """Give back its connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _client(self) -> aiohttp.ClientSession:
        # Not in the constructor: a session belongs to the loop that is running when it is made.
        if self._session is None:
            self._session = aiohttp.ClientSession(
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
                timeout=aiohttp.ClientTimeout(total=self._timeout),
            )
        return self._session

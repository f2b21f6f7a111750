"""One JSON request and its JSON answer, whole: for what a provider does besides chatting."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from projectdavid.adapters.providers.openai_compatible.failures import FailureParser
from projectdavid.adapters.providers.openai_compatible.server import ProviderServer
from projectdavid.lazy_modules import LazyModule

if TYPE_CHECKING:
    import aiohttp
else:
    aiohttp = LazyModule("aiohttp")

MOST_BYTES = 64 << 20
"""Of an answer."""
_MAX_ERROR_BODY = 64 * 1024

T = TypeVar("T")


class JsonClient:
    """Asks a provider's server.

    Args:
        name: what the provider is called in messages.
        base_url: where its API is.
        api_key: sent as a bearer token, unless None or empty.
        headers: sent with every request.
        timeout: seconds for one request.

    Raises:
        ValueError: `base_url` is not an http or https URL, or the key or a header holds a line break.
    """

    def __init__(
        self, name: str, base_url: str, api_key: str | None, headers: Mapping[str, str], timeout: float
    ) -> None:
        self.server = ProviderServer.of(name, base_url, api_key, headers)
        self.failures = FailureParser(name, self.server)
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
            raise self.failures.unsendable("a text holds half a surrogate pair") from None
        try:
            async with self._client().post(
                url, data=body, headers=self.server.headers, allow_redirects=False
            ) as response:
                good = 200 <= response.status < 300
                told = await response.content.read(MOST_BYTES if good else _MAX_ERROR_BODY)
                while good and not response.content.at_eof() and len(told) < MOST_BYTES:
                    told += await response.content.read(MOST_BYTES - len(told))
        except TimeoutError:
            raise self.failures.silent(self._timeout) from None
        except (aiohttp.ClientError, OSError) as error:
            # Never chained: the errors of aiohttp hold the request with its headers, and so the key.
            raise self.failures.unreachable(f"{type(error).__name__}.") from None
        if not good:
            raise self.failures.refused(response.status, response.headers, told, model=asked["model"])[0]
        try:
            return msgspec.json.decode(told, type=answer)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise self.failures.unreadable("its answer does not match the request") from None

    async def close(self) -> None:
        """Close its connections."""
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

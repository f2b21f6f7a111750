"""JSON requests whose answers are not streamed: for a provider's endpoints other than chat."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from projectdavid.adapters.http_session import LazySession
from projectdavid.adapters.providers.http.failures import FailureParser
from projectdavid.adapters.providers.http.server import ProviderServer
from projectdavid.lazy_modules import LazyModule

if TYPE_CHECKING:
    import aiohttp
else:
    aiohttp = LazyModule("aiohttp")

MOST_BYTES = 64 << 20
"""Maximum size of an answer."""
_MAX_ERROR_BODY = 64 * 1024

T = TypeVar("T")


class JsonClient:
    """An HTTP client of a provider's server.

    Args:
        name: the provider's name in messages.
        base_url: the URL of its API.
        api_key: sent as a bearer token, unless None or empty.
        headers: sent with every request.
        timeout: seconds per request.

    Raises:
        ValueError: `base_url` is not an http or https URL, or the key or a header contains a line break.
    """

    def __init__(
        self, name: str, base_url: str, api_key: str | None, headers: Mapping[str, str], timeout: float
    ) -> None:
        self.server = ProviderServer.of(name, base_url, api_key, headers)
        self.failures = FailureParser(name, self.server)
        self._timeout = timeout
        self._session = LazySession(timeout)

    async def ask(self, url: str, asked: dict[str, Any], answer: type[T]) -> T:
        """Send one request, without retries, and decode its answer.

        Raises:
            ModelError: rejected, unreachable, or answered with another type.
        """
        try:
            body = msgspec.json.encode(asked)
        except UnicodeEncodeError:
            raise self.failures.build_unsendable("a text contains an unpaired surrogate") from None
        try:
            async with self._session.get().post(
                url, data=body, headers=self.server.headers, allow_redirects=False
            ) as response:
                ok = 200 <= response.status < 300
                received = await response.content.read(MOST_BYTES if ok else _MAX_ERROR_BODY)
                while ok and not response.content.at_eof() and len(received) < MOST_BYTES:
                    received += await response.content.read(MOST_BYTES - len(received))
        except TimeoutError:
            raise self.failures.build_timeout(self._timeout) from None
        except (aiohttp.ClientError, OSError) as error:
            # Not chained: aiohttp's errors contain the request headers, and therefore the key.
            raise self.failures.build_unreachable(f"{type(error).__name__}.") from None
        if not ok:
            raise self.failures.parse_refusal(response.status, response.headers, received, model=asked["model"])[0]
        try:
            return msgspec.json.decode(received, type=answer)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise self.failures.build_unreadable("the body is not JSON of the expected type") from None

    async def close(self) -> None:
        """Close its connections."""
        await self._session.close()

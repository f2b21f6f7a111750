"""Requests to a model server: streamed answers and JSON documents, over one session."""

from __future__ import annotations

import asyncio
import errno
import io
import os
from collections.abc import AsyncGenerator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit
from urllib.request import getproxies_environment, proxy_bypass

import msgspec

from projectdavid.adapters.http_session import LazySession
from projectdavid.adapters.providers.http.failures import FailureParser
from projectdavid.adapters.providers.http.server import BEARER, ProviderServer
from projectdavid.engine.deltas import Chunk
from projectdavid.lazy_modules import LazyModule
from projectdavid.ports.model import ModelError

if TYPE_CHECKING:
    import aiohttp
    import yarl
else:
    aiohttp, yarl = LazyModule("aiohttp"), LazyModule("yarl")

MAX_DOCUMENT = 4 * 1024 * 1024
"""Maximum bytes of a document that is not streamed."""
_DOCUMENT_TIMEOUT = 5.0
_MAX_ERROR_BODY = 64 * 1024
_GRACE = 0.05
"""Seconds to wait for the end of the HTTP body after the last event."""
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_NOT_LISTENING = frozenset({errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH})
"""Errors of connections to a server that may be starting."""
_NO_HEADERS: Mapping[str, str] = MappingProxyType({})
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class AnswerReader(Protocol):
    """Parses the bytes of one answer. `finished`: the model has finished; `done`: nothing more must be read.

    `failure` is the error to raise after the chunks before it.
    """

    @property
    def finished(self) -> bool: ...

    @property
    def done(self) -> bool: ...

    @property
    def failure(self) -> ModelError | None: ...

    def feed(self, data: bytes) -> list[Chunk]:
        """Add the bytes of one read; return the chunks that they complete."""
        ...

    def end(self) -> list[Chunk]:
        """End the answer, because the server closed the connection; return the remaining chunks."""
        ...


class ProviderClient:
    """An HTTP client of one model server.

    Args:
        name: the provider's name in messages.
        base_url: the parent URL of all paths; its query is kept.
        api_key: sent in `key_header` (as a bearer token by default), unless None or empty.
        headers: sent with every request; they override the default headers.
        key_header: the name of the header for the key, in lower case.
        connect_timeout: seconds for name resolution, connection and TLS.
        idle_timeout: seconds without data after which a request fails.
        proxy: URL of an HTTP proxy. None: the proxy that the environment sets for the address, if any; "": no proxy.

    Raises:
        ValueError: `base_url` is not an http or https URL, or the key or a header contains a line break.
    """

    def __init__(
        self,
        *,
        name: str,
        base_url: str,
        api_key: str | None,
        headers: Mapping[str, str] = _NO_HEADERS,
        key_header: str = BEARER,
        connect_timeout: float = 10,
        idle_timeout: float = 300,
        proxy: str | None = None,
    ) -> None:
        self.server = ProviderServer.of(name, base_url, api_key, headers, key_header)
        self.failures = FailureParser(name, self.server)
        self._proxy = find_proxy(base_url) if proxy is None else proxy or None
        self._connect_timeout = connect_timeout
        self._idle_timeout = idle_timeout
        self._session = LazySession(connect_timeout=connect_timeout, idle_timeout=idle_timeout, connections=0)
        self._open: set[aiohttp.ClientResponse] = set()

    async def post(self, url: str, fields: Mapping[str, Any]) -> aiohttp.ClientResponse:
        """Send a request whose answer is streamed; return its response, with any status.

        Raises:
            ModelError: it cannot be sent, or the server could not be reached.
        """
        try:
            body = msgspec.json.encode(fields)
        except UnicodeEncodeError:
            raise self.failures.build_unsendable("a text contains an unpaired surrogate") from None
        try:
            return await self._session.get().post(
                url,
                # Above this size aiohttp expects a file, which it writes in pieces.
                data=body if len(body) <= 2**20 else io.BytesIO(body),
                headers=self.server.headers,
                allow_redirects=False,
                proxy=self._proxy,
            )
        except (aiohttp.ClientError, OSError) as error:
            # Not chained: aiohttp's errors contain the request headers, and therefore the key.
            raise self._unreachable(error, self._idle_timeout) from None

    async def read_refusal(self, response: aiohttp.ClientResponse, *, model: str = "") -> Refusal:
        """Return the error in a response with a status outside 2xx, and close it."""
        try:
            said = await _read_error_body(response)
        finally:
            response.close()
        failure, error = self.failures.parse_refusal(response.status, response.headers, said, model=model)
        return Refusal(response.status, failure, error, said.decode(errors="replace"))

    async def read_chunks(
        self, response: aiohttp.ClientResponse, reader: AnswerReader, first: Sequence[Chunk] = ()
    ) -> AsyncGenerator[Sequence[Chunk]]:
        """Yield `first`, and the chunks of each read of a streamed answer.

        Closing the generator closes the connection.

        Raises:
            ModelError: interrupted, silent for too long, or the reader found an error.
        """
        self._open.add(response)
        try:
            yield first  # the request was accepted: from here on it is billed
            while not reader.done:
                data = await self._read(response, reader)
                chunks = reader.feed(data) if data else reader.end()
                if chunks:
                    yield chunks
            if reader.failure is not None:
                raise reader.failure
            await _drain(response)
        finally:
            self._open.discard(response)
            # No effect if the response has ended: its connection is already back in the pool.
            response.close()

    async def fetch(self, url: str, payload: Mapping[str, Any] | None = None) -> Any:
        """Return the JSON document at a URL: GET, or POST if there is a JSON payload.

        Raises:
            ModelError: rejected, unreachable in time, or not JSON.
        """
        body = await self.request(url, payload)
        try:
            return msgspec.json.decode(body)
        except _UNREADABLE:
            raise self.failures.build_unreadable("the body is not JSON") from None

    async def request(
        self, url: str, payload: Mapping[str, Any] | None = None, *, method: str = "", model: str = ""
    ) -> bytes:
        """Send a request whose response is not a stream: GET, or POST if there is a JSON payload.

        Raises:
            ModelError: rejected, or unreachable in time.
        """
        timeout = aiohttp.ClientTimeout(total=_DOCUMENT_TIMEOUT, connect=self._connect_timeout)
        try:
            async with self._session.get().request(
                method or ("GET" if payload is None else "POST"),
                yarl.URL(url, encoded=bool(method)),  # a model's name in the path is quoted already
                data=None if payload is None else msgspec.json.encode(payload),
                headers=self.server.headers,
                timeout=timeout,
                allow_redirects=False,
                proxy=self._proxy,
            ) as response:
                if not 200 <= response.status < 300:
                    raise (await self.read_refusal(response, model=model)).failure
                return await _read_at_most(response, MAX_DOCUMENT)
        except (aiohttp.ClientError, OSError) as error:
            raise self._unreachable(error, _DOCUMENT_TIMEOUT) from None

    async def close(self) -> None:
        """Close its connections, and interrupt open streams."""
        # Before the session: closing it alone would leave their readers waiting forever.
        for response in self._open:
            response.close()
        await self._session.close()

    async def _read(self, response: aiohttp.ClientResponse, reader: AnswerReader) -> bytes:
        """Return the bytes of one read, empty at the end; a connection error after the model finished is ignored."""
        try:
            return await response.content.readany()
        except (aiohttp.ClientError, OSError) as error:
            if reader.finished:
                return b""
            if isinstance(error, TimeoutError):
                raise self.failures.build_timeout(self._idle_timeout) from None
            raise self.failures.build_interruption(_reason(error)) from None

    def _unreachable(self, error: Exception, timeout: float) -> ModelError:
        if isinstance(error, aiohttp.ConnectionTimeoutError):
            return self.failures.build_connect_timeout(self._connect_timeout)
        if isinstance(error, TimeoutError):
            return self.failures.build_timeout(timeout)
        permanent = isinstance(error, aiohttp.ClientConnectorCertificateError | aiohttp.InvalidURL)
        absent = isinstance(error, aiohttp.ClientConnectorError) and error.errno in _NOT_LISTENING
        return self.failures.build_unreachable(_reason(error), retryable=not permanent, waits=absent and not permanent)


class Refusal(msgspec.Struct, frozen=True):
    """A rejected request: its status, the error to raise, the server's error object, and its body as text."""

    status: int
    failure: ModelError
    error: Any
    text: str


def find_proxy(base_url: str) -> str | None:
    """Return the proxy that the environment sets for an address: HTTPS_PROXY, HTTP_PROXY or ALL_PROXY, minus NO_PROXY.

    Loopback addresses never use a proxy.
    """
    url = urlsplit(base_url)
    host = url.hostname or ""
    if host in _LOOPBACK or host.endswith(".localhost") or proxy_bypass(host):
        return None
    proxies = getproxies_environment()
    proxy = proxies.get(url.scheme) or proxies.get("all")
    return proxy if proxy is None or "://" in proxy else f"http://{proxy}"


def _reason(error: Exception) -> str:
    match error:
        case aiohttp.ClientConnectorDNSError():
            return "its host name cannot be resolved."
        case aiohttp.ClientConnectorCertificateError():
            return "its certificate is not trusted."
        case aiohttp.ServerDisconnectedError():
            return "it closed the connection."
        case aiohttp.ClientPayloadError() | aiohttp.ClientResponseError():
            return "its HTTP response is incomplete or malformed."
        case OSError(errno=int(number)) if number > 0:
            return f"{os.strerror(number)}."
        case _:
            return f"{type(error).__name__}."


async def _read_at_most(response: aiohttp.ClientResponse, size: int) -> bytes:
    """Return the body, truncated to `size` bytes."""
    parts: list[bytes] = []
    while size > 0 and (data := await response.content.read(size)):
        parts.append(data)
        size -= len(data)
    return b"".join(parts)


async def _read_error_body(response: aiohttp.ClientResponse) -> bytes:
    """Read the body of an error; empty if it does not arrive, because the status is enough to report."""
    try:
        async with asyncio.timeout(_DOCUMENT_TIMEOUT):
            return await _read_at_most(response, _MAX_ERROR_BODY)
    except (aiohttp.ClientError, OSError):
        return b""


async def _drain(response: aiohttp.ClientResponse) -> None:
    """Wait briefly for the end of the HTTP body, because its connection can then be reused."""
    if response.content.is_eof():
        return
    try:
        async with asyncio.timeout(_GRACE):
            await response.content.wait_eof()
    except (aiohttp.ClientError, OSError):
        return

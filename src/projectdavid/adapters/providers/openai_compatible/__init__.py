"""The provider for every server that speaks the chat-completions protocol."""

from __future__ import annotations

import asyncio
import errno
import io
import logging
import os
from collections.abc import AsyncGenerator, Mapping, Sequence
from time import monotonic
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit
from urllib.request import getproxies_environment, proxy_bypass

import msgspec

from projectdavid.adapters.providers.openai_compatible.failures import FailureParser
from projectdavid.adapters.providers.openai_compatible.lessons import (
    MOST_LESSONS,
    NOTHING_LEARNED,
    TEACHES,
    ModelLessons,
    learn,
)
from projectdavid.adapters.providers.openai_compatible.profiles import ServerCapabilities, ServerProfile, detect_profile
from projectdavid.adapters.providers.openai_compatible.request_builder import Body, build_request
from projectdavid.adapters.providers.openai_compatible.server import ProviderServer
from projectdavid.adapters.providers.openai_compatible.server_facts import ServerFacts
from projectdavid.adapters.providers.openai_compatible.stream_reader import MAX_BUFFERED, StreamReader
from projectdavid.adapters.providers.openai_compatible.wire import ModelList
from projectdavid.engine.deltas import Chunk, WarningDelta
from projectdavid.engine.prompt import ModelRequest
from projectdavid.lazy_modules import LazyModule
from projectdavid.ports.model import ModelError, ModelFacts

if TYPE_CHECKING:
    import aiohttp
    import yarl
else:
    aiohttp, yarl = LazyModule("aiohttp"), LazyModule("yarl")

__all__ = ["OpenAICompatible"]

log = logging.getLogger("projectdavid.adapters.providers")

_MODELS_TIMEOUT = 5.0
_MAX_ERROR_BODY = 64 * 1024
_LIST_KEPT = 300.0
_LIST_RETRIED = 60.0
_GRACE = 0.05
"""Seconds to wait for the end of the HTTP body behind `[DONE]`."""
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_NOBODY_LISTENS = frozenset({errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH})
"""A server that is not there may be starting."""
_NO_HEADERS: Mapping[str, str] = MappingProxyType({})


class OpenAICompatible:
    """A server that speaks the chat-completions protocol, as OpenAI, vLLM, Ollama and many others do.

    Source: OpenAI API reference, "Create chat completion".

    Args:
        name: what the provider is called in messages.
        base_url: where `/chat/completions` and `/models` are; a query in it is kept.
        api_key: sent as a bearer token, unless None or empty.
        headers: sent with every request; they win over our own.
        connect_timeout: seconds for name resolution, connection and TLS.
        idle_timeout: seconds without a byte, after which the server counts as silent.
        profile: how its family of servers wants to be asked; by default detected from the address.
        proxy: the URL of an HTTP proxy; None: the one that the environment names for the address, if any; "": none.

    Raises:
        ValueError: `base_url` is not an http or https URL, or the key or a header holds a line break.
    """

    def __init__(
        self,
        *,
        name: str,
        base_url: str,
        api_key: str | None,
        headers: Mapping[str, str] = _NO_HEADERS,
        connect_timeout: float = 10,
        idle_timeout: float = 300,
        profile: ServerProfile | None = None,
        proxy: str | None = None,
    ) -> None:
        self._name = name
        self.base_url = base_url
        self._server = ProviderServer.of(name, base_url, api_key, headers)
        self._failures = FailureParser(name, self._server)
        self.profile = profile or detect_profile(base_url)
        self._proxy = find_proxy(base_url) if proxy is None else proxy or None
        self._lessons: dict[str, ModelLessons] = {}
        self._reports_usage: dict[str, bool] = {}
        self._facts = ServerFacts(base_url, self.profile.name, self._fetch)
        self._connect_timeout = connect_timeout
        self._idle_timeout = idle_timeout
        self._session: aiohttp.ClientSession | None = None
        self._listed: dict[str, ModelList.Model] | None = None
        self._listed_until = 0.0
        self._open: set[aiohttp.ClientResponse] = set()

    async def stream(self, ask: ModelRequest) -> AsyncGenerator[Sequence[Chunk]]:
        """Ask once, without retries; yields what each read brought and closes the connection when it is closed.

        A request that is refused for one of its fields is made again without it: nothing was asked so far.

        Raises:
            ModelError: refused, unreachable, broken off, or silent for too long.
        """
        response, warnings = await self._accepted(ask)
        self._open.add(response)
        try:
            yield warnings  # accepted: from here on the answer is paid for
            reading = StreamReader(self._failures, calls=bool(ask.tools))
            while not reading.done:
                data = await self._read(response, reading)
                chunks = reading.feed(data) if data else reading.end()
                if chunks:
                    yield chunks
            if reading.failure is not None:
                raise reading.failure
            self._reports_usage[ask.model] = reading.usage_reported
            await _finish(response)
        finally:
            self._open.discard(response)
            # Does nothing to a connection that is in the pool again, as all are whose response has ended.
            response.close()

    async def _accepted(self, ask: ModelRequest) -> tuple[aiohttp.ClientResponse, list[WarningDelta]]:
        """A response that is not a refusal, and what the user should know of what was sent.

        Raises:
            ModelError: it refuses, and teaches nothing (more).
        """
        for lessons_left in range(MOST_LESSONS, -1, -1):
            known = self._lessons.get(ask.model, NOTHING_LEARNED)
            body, warnings = build_request(ask, self.profile, known)
            response = await self._post(body)
            if 200 <= response.status < 300:
                return response, warnings
            try:
                said = await _start_of(response)
            finally:
                response.close()
            failure, error = self._failures.refused(response.status, response.headers, said, model=ask.model)
            learned = None
            if lessons_left and response.status in TEACHES and failure.context is None:
                learned = learn(known, said.decode(errors="replace"), error, body, self.profile)
            if learned is None:
                raise failure
            self._lessons[ask.model] = learned
            log.info("provider %s, model %s: %s", self._name, ask.model, ", ".join(learned.describe()))
        raise AssertionError("unreachable")

    async def models(self) -> list[str]:
        """The names of the models that it serves now.

        Raises:
            ModelError: it could not be asked.
        """
        listed = await self._list_models()
        self._listed = {one.id: one for one in listed}
        self._listed_until = monotonic() + _LIST_KEPT
        return [one.id for one in listed]

    async def facts(self, model: str) -> ModelFacts:
        """Return what the settings, its refusals and the server say about a model, as far as they do.

        The list is kept for some minutes; a server that could not be asked is asked again after one.
        """
        if self._listed is None or monotonic() >= self._listed_until:
            try:
                await self.models()
            except ModelError:
                self._listed, self._listed_until = {}, monotonic() + _LIST_RETRIED
        said = await self._facts.read(model, (self._listed or {}).get(model))
        lessons = self.lessons(model)
        known = {name: (value, "provider") for name, value in said.capabilities.items()}
        if model in self._reports_usage:
            known["usage"] = (self._reports_usage[model], "learned")
        if lessons.no_images:
            known["images"] = (False, "learned")
        chosen = {name: getattr(self.profile.capabilities, name) for name in ServerCapabilities.__slots__}
        known |= {name: (value, "settings") for name, value in chosen.items() if value is not None}
        return ModelFacts(said.window, lessons.describe(), known)

    def lessons(self, model: str) -> ModelLessons:
        """Return what refusals taught about a model so far."""
        return self._lessons.get(model, NOTHING_LEARNED)

    async def _list_models(self) -> list[ModelList.Model]:
        body = await self._request(self._server.models)
        try:
            listed = msgspec.json.decode(body, type=ModelList | list[ModelList.Model])
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise self._failures.unreadable("its list of models is invalid") from None
        return listed if isinstance(listed, list) else listed.data or []

    async def _fetch(self, url: str, payload: Mapping[str, Any] | None) -> Any:
        body = await self._request(url, payload)
        try:
            return msgspec.json.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise self._failures.unreadable("its answer is not JSON") from None

    async def _request(self, url: str, payload: Mapping[str, Any] | None = None) -> bytes:
        """Request something that is not a stream; with a payload, it is posted as JSON.

        Raises:
            ModelError: refused, or not reached in time.
        """
        timeout = aiohttp.ClientTimeout(total=_MODELS_TIMEOUT, connect=self._connect_timeout)
        try:
            async with self._client().request(
                "GET" if payload is None else "POST",
                url,
                data=None if payload is None else msgspec.json.encode(payload),
                headers=self._server.headers,
                timeout=timeout,
                allow_redirects=False,
                proxy=self._proxy,
            ) as response:
                if not 200 <= response.status < 300:
                    raise self._failures.refused(response.status, response.headers, await _start_of(response))[0]
                return await _up_to(response, MAX_BUFFERED)
        except (aiohttp.ClientError, OSError) as error:
            raise self._unreachable(error, _MODELS_TIMEOUT) from None

    async def delete(self, model: str) -> None:
        """Delete a model: `DELETE /models/{model}`, as OpenAI has it for fine-tuned ones.

        Raises:
            ModelError: it is not there, cannot be deleted, or the server could not be asked.
        """
        base = urlsplit(self._server.models)
        url = yarl.URL(base._replace(path=f"{base.path}/{quote(model, safe='')}").geturl(), encoded=True)
        timeout = aiohttp.ClientTimeout(total=_MODELS_TIMEOUT, connect=self._connect_timeout)
        try:
            async with self._client().delete(
                url, headers=self._server.headers, timeout=timeout, allow_redirects=False, proxy=self._proxy
            ) as response:
                if not 200 <= response.status < 300:
                    said = await _start_of(response)
                    raise self._failures.refused(response.status, response.headers, said, model=model)[0]
        except (aiohttp.ClientError, OSError) as error:
            raise self._unreachable(error, _MODELS_TIMEOUT) from None

    async def close(self) -> None:
        """Close its connections; open streams are interrupted."""
        session, self._session = self._session, None
        # Before the session, which would leave their readers waiting for ever.
        for response in self._open:
            response.close()
        if session is not None:
            await session.close()

    def _client(self) -> aiohttp.ClientSession:
        # Not in the constructor: a session belongs to the loop that is running when it is made.
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0),
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
                timeout=aiohttp.ClientTimeout(total=None, connect=self._connect_timeout, sock_read=self._idle_timeout),
            )
        return self._session

    async def _post(self, asked: Body) -> aiohttp.ClientResponse:
        try:
            body = msgspec.json.encode(asked)
        except UnicodeEncodeError:
            raise self._failures.unsendable("a text holds half a surrogate pair") from None
        try:
            return await self._client().post(
                self._server.completions,
                # Above this size aiohttp wants a file, so that it can write piece by piece.
                data=body if len(body) <= 2**20 else io.BytesIO(body),
                headers=self._server.headers,
                allow_redirects=False,
                proxy=self._proxy,
            )
        except (aiohttp.ClientError, OSError) as error:
            # Never chained: the errors of aiohttp hold the request with its headers, and so the key.
            raise self._unreachable(error, self._idle_timeout) from None

    async def _read(self, response: aiohttp.ClientResponse, reading: StreamReader) -> bytes:
        """Return the bytes of one read, or nothing at the end; an end after the model's own end is not a failure."""
        try:
            return await response.content.readany()
        except (aiohttp.ClientError, OSError) as error:
            if reading.finished:
                return b""
            if isinstance(error, TimeoutError):
                raise self._failures.silent(self._idle_timeout) from None
            raise self._failures.broke_off(_reason(error)) from None

    def _unreachable(self, error: Exception, timeout: float) -> ModelError:
        if isinstance(error, aiohttp.ConnectionTimeoutError):
            return self._failures.unconnected(self._connect_timeout)
        if isinstance(error, TimeoutError):
            return self._failures.silent(timeout)
        lasting = isinstance(error, aiohttp.ClientConnectorCertificateError | aiohttp.InvalidURL)
        absent = isinstance(error, aiohttp.ClientConnectorError) and error.errno in _NOBODY_LISTENS
        return self._failures.unreachable(_reason(error), retryable=not lasting, waits=absent and not lasting)


def find_proxy(base_url: str) -> str | None:
    """The proxy that the environment names for an address: HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, but for NO_PROXY.

    What is on this machine is never reached through one.
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
            return "its name cannot be resolved."
        case aiohttp.ClientConnectorCertificateError():
            return "its certificate is not trusted."
        case aiohttp.ServerDisconnectedError():
            return "it closed the connection."
        case aiohttp.ClientPayloadError() | aiohttp.ClientResponseError():
            return "its answer is not complete HTTP."
        case OSError(errno=int(number)) if number > 0:
            return f"{os.strerror(number)}."
        case _:
            return f"{type(error).__name__}."


async def _up_to(response: aiohttp.ClientResponse, size: int) -> bytes:
    """The body, or its first bytes."""
    parts: list[bytes] = []
    while size > 0 and (data := await response.content.read(size)):
        parts.append(data)
        size -= len(data)
    return b"".join(parts)


async def _start_of(response: aiohttp.ClientResponse) -> bytes:
    """What can be had of an error's body: the status says more than a body that does not come."""
    try:
        async with asyncio.timeout(_MODELS_TIMEOUT):
            return await _up_to(response, _MAX_ERROR_BODY)
    except (aiohttp.ClientError, OSError):
        return b""


async def _finish(response: aiohttp.ClientResponse) -> None:
    """Let the HTTP body end, so that its connection can be used again; the end mostly comes just behind `[DONE]`."""
    if response.content.is_eof():
        return
    try:
        async with asyncio.timeout(_GRACE):
            await response.content.wait_eof()
    except (aiohttp.ClientError, OSError):
        return

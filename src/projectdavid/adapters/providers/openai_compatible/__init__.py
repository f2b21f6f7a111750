"""Provider for servers that implement the chat completions protocol."""

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

from projectdavid.adapters.http_session import LazySession
from projectdavid.adapters.providers.openai_compatible.failures import FailureParser
from projectdavid.adapters.providers.openai_compatible.lessons import (
    MAX_LESSONS,
    NOTHING_LEARNED,
    TEACHING_STATUSES,
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
_LIST_TTL = 300.0
_LIST_RETRY_AFTER = 60.0
_GRACE = 0.05
"""Seconds to wait for the end of the HTTP body after `[DONE]`."""
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_NOT_LISTENING = frozenset({errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH})
"""Errors of connections to a server that may be starting."""
_NO_HEADERS: Mapping[str, str] = MappingProxyType({})


class OpenAICompatible:
    """A client of a server that implements the chat completions protocol, such as OpenAI, vLLM or Ollama.

    Source: OpenAI API reference, "Create chat completion".

    Args:
        name: the provider's name in messages.
        base_url: the parent URL of `/chat/completions` and `/models`; its query is kept.
        api_key: sent as a bearer token, unless None or empty.
        headers: sent with every request; they override the default headers.
        connect_timeout: seconds for name resolution, connection and TLS.
        idle_timeout: seconds without data after which a request fails.
        profile: the conventions of its server family; detected from the address by default.
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
        self._begins_in_reasoning: dict[str, bool] = {}
        self._facts = ServerFacts(base_url, self.profile.name, self._fetch)
        self._connect_timeout = connect_timeout
        self._idle_timeout = idle_timeout
        self._session = LazySession(connect_timeout=connect_timeout, idle_timeout=idle_timeout, connections=0)
        self._listed: dict[str, ModelList.Model] | None = None
        self._listed_until = 0.0
        self._open: set[aiohttp.ClientResponse] = set()

    async def stream(self, ask: ModelRequest) -> AsyncGenerator[Sequence[Chunk]]:
        """Send one request, without retries; yields the chunks of each read.

        Closing the generator closes the connection. If the server rejects a field, the request is sent again without
        it: a rejected request generates nothing.

        Raises:
            ModelError: rejected, unreachable, interrupted, or silent for too long.
        """
        response, warnings = await self._open_response(ask)
        self._open.add(response)
        try:
            yield warnings  # the request was accepted: from here on it is billed
            offered = {tool["name"]: tool.get("parameters") for tool in ask.tools}
            reader = StreamReader(self._failures, offered=offered, opened=self._begins_in_reasoning.get(ask.model))
            while not reader.done:
                data = await self._read(response, reader)
                chunks = reader.feed(data) if data else reader.end()
                if chunks:
                    yield chunks
            if reader.failure is not None:
                raise reader.failure
            self._reports_usage[ask.model] = reader.usage_reported
            if reader.opened is not None:
                self._begins_in_reasoning[ask.model] = reader.opened
            await _drain(response)
        finally:
            self._open.discard(response)
            # No effect if the response has ended: its connection is already back in the pool.
            response.close()

    async def _open_response(self, ask: ModelRequest) -> tuple[aiohttp.ClientResponse, list[WarningDelta]]:
        """Return a successful response, and warnings for the user about what was sent.

        Raises:
            ModelError: rejected, and nothing more can be learned from the error.
        """
        for lessons_left in range(MAX_LESSONS, -1, -1):
            known = self._lessons.get(ask.model, NOTHING_LEARNED)
            body, warnings = build_request(ask, self.profile, known)
            response = await self._post(body)
            if 200 <= response.status < 300:
                return response, warnings
            try:
                said = await _read_error_body(response)
            finally:
                response.close()
            failure, error = self._failures.parse_refusal(response.status, response.headers, said, model=ask.model)
            learned = None
            if lessons_left and response.status in TEACHING_STATUSES and failure.context is None:
                learned = learn(known, said.decode(errors="replace"), error, body, self.profile)
            if learned is None:
                raise failure
            self._lessons[ask.model] = learned
            log.info("provider %s, model %s: %s", self._name, ask.model, ", ".join(learned.describe()))
        raise AssertionError("unreachable")

    async def models(self) -> list[str]:
        """Return the names of the models that it serves now.

        Raises:
            ModelError: the list could not be read.
        """
        listed = await self._list_models()
        self._listed = {one.id: one for one in listed}
        self._listed_until = monotonic() + _LIST_TTL
        return [one.id for one in listed]

    async def facts(self, model: str) -> ModelFacts:
        """Return the facts about a model from the settings, errors and the server.

        The list of models is cached for five minutes; if it could not be read, for one.
        """
        if self._listed is None or monotonic() >= self._listed_until:
            try:
                await self.models()
            except ModelError:
                self._listed, self._listed_until = {}, monotonic() + _LIST_RETRY_AFTER
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
        """Return what errors have taught about a model."""
        return self._lessons.get(model, NOTHING_LEARNED)

    async def _list_models(self) -> list[ModelList.Model]:
        body = await self._request(self._server.models)
        try:
            listed = msgspec.json.decode(body, type=ModelList | list[ModelList.Model])
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise self._failures.build_unreadable("the list of models is malformed") from None
        return listed if isinstance(listed, list) else listed.data or []

    async def _fetch(self, url: str, payload: Mapping[str, Any] | None) -> Any:
        body = await self._request(url, payload)
        try:
            return msgspec.json.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise self._failures.build_unreadable("the body is not JSON") from None

    async def _request(self, url: str, payload: Mapping[str, Any] | None = None) -> bytes:
        """Send a request whose response is not a stream: GET, or POST if there is a JSON payload.

        Raises:
            ModelError: rejected, or unreachable in time.
        """
        timeout = aiohttp.ClientTimeout(total=_MODELS_TIMEOUT, connect=self._connect_timeout)
        try:
            async with self._session.get().request(
                "GET" if payload is None else "POST",
                url,
                data=None if payload is None else msgspec.json.encode(payload),
                headers=self._server.headers,
                timeout=timeout,
                allow_redirects=False,
                proxy=self._proxy,
            ) as response:
                if not 200 <= response.status < 300:
                    raise self._failures.parse_refusal(
                        response.status, response.headers, await _read_error_body(response)
                    )[0]
                return await _read_at_most(response, MAX_BUFFERED)
        except (aiohttp.ClientError, OSError) as error:
            raise self._unreachable(error, _MODELS_TIMEOUT) from None

    async def delete(self, model: str) -> None:
        """Delete a model: `DELETE /models/{model}`, as for fine-tuned models of OpenAI.

        Raises:
            ModelError: it does not exist, cannot be deleted, or the server could not be reached.
        """
        base = urlsplit(self._server.models)
        url = yarl.URL(base._replace(path=f"{base.path}/{quote(model, safe='')}").geturl(), encoded=True)
        timeout = aiohttp.ClientTimeout(total=_MODELS_TIMEOUT, connect=self._connect_timeout)
        try:
            async with self._session.get().delete(
                url, headers=self._server.headers, timeout=timeout, allow_redirects=False, proxy=self._proxy
            ) as response:
                if not 200 <= response.status < 300:
                    said = await _read_error_body(response)
                    raise self._failures.parse_refusal(response.status, response.headers, said, model=model)[0]
        except (aiohttp.ClientError, OSError) as error:
            raise self._unreachable(error, _MODELS_TIMEOUT) from None

    async def close(self) -> None:
        """Close its connections, and interrupt open streams."""
        # Before the session: closing it alone would leave their readers waiting forever.
        for response in self._open:
            response.close()
        await self._session.close()

    async def _post(self, fields: Body) -> aiohttp.ClientResponse:
        try:
            body = msgspec.json.encode(fields)
        except UnicodeEncodeError:
            raise self._failures.build_unsendable("a text contains an unpaired surrogate") from None
        try:
            return await self._session.get().post(
                self._server.completions,
                # Above this size aiohttp expects a file, which it writes in pieces.
                data=body if len(body) <= 2**20 else io.BytesIO(body),
                headers=self._server.headers,
                allow_redirects=False,
                proxy=self._proxy,
            )
        except (aiohttp.ClientError, OSError) as error:
            # Not chained: aiohttp's errors contain the request headers, and therefore the key.
            raise self._unreachable(error, self._idle_timeout) from None

    async def _read(self, response: aiohttp.ClientResponse, reader: StreamReader) -> bytes:
        """Return the bytes of one read, empty at the end; a connection error after the model finished is ignored."""
        try:
            return await response.content.readany()
        except (aiohttp.ClientError, OSError) as error:
            if reader.finished:
                return b""
            if isinstance(error, TimeoutError):
                raise self._failures.build_timeout(self._idle_timeout) from None
            raise self._failures.build_interruption(_reason(error)) from None

    def _unreachable(self, error: Exception, timeout: float) -> ModelError:
        if isinstance(error, aiohttp.ConnectionTimeoutError):
            return self._failures.build_connect_timeout(self._connect_timeout)
        if isinstance(error, TimeoutError):
            return self._failures.build_timeout(timeout)
        permanent = isinstance(error, aiohttp.ClientConnectorCertificateError | aiohttp.InvalidURL)
        absent = isinstance(error, aiohttp.ClientConnectorError) and error.errno in _NOT_LISTENING
        return self._failures.build_unreachable(_reason(error), retryable=not permanent, waits=absent and not permanent)


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
        async with asyncio.timeout(_MODELS_TIMEOUT):
            return await _read_at_most(response, _MAX_ERROR_BODY)
    except (aiohttp.ClientError, OSError):
        return b""


async def _drain(response: aiohttp.ClientResponse) -> None:
    """Wait for the end of the HTTP body, so that its connection can be reused; it usually follows `[DONE]` at once."""
    if response.content.is_eof():
        return
    try:
        async with asyncio.timeout(_GRACE):
            await response.content.wait_eof()
    except (aiohttp.ClientError, OSError):
        return

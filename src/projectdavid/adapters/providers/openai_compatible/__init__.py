"""Provider for servers that implement the chat completions protocol."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from time import monotonic
from types import MappingProxyType
from typing import TYPE_CHECKING
from urllib.parse import quote

import msgspec

from projectdavid.adapters.providers.http.client import ProviderClient
from projectdavid.adapters.providers.openai_compatible.lessons import (
    MAX_LESSONS,
    NOTHING_LEARNED,
    TEACHING_STATUSES,
    ModelLessons,
    learn,
)
from projectdavid.adapters.providers.openai_compatible.profiles import ServerCapabilities, ServerProfile, detect_profile
from projectdavid.adapters.providers.openai_compatible.request_builder import build_request
from projectdavid.adapters.providers.openai_compatible.server_facts import ServerFacts
from projectdavid.adapters.providers.openai_compatible.stream_reader import StreamReader
from projectdavid.adapters.providers.openai_compatible.wire import ModelList
from projectdavid.engine.deltas import Chunk, WarningDelta
from projectdavid.engine.prompt import ModelRequest
from projectdavid.ports.model import ModelError, ModelFacts

if TYPE_CHECKING:
    import aiohttp

__all__ = ["OpenAICompatible"]

log = logging.getLogger("projectdavid.adapters.providers")

_LIST_TTL = 300.0
_LIST_RETRY_AFTER = 60.0
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
        self.profile = profile or detect_profile(base_url)
        self._client = ProviderClient(
            name=name,
            base_url=base_url,
            api_key=api_key,
            headers=headers,
            connect_timeout=connect_timeout,
            idle_timeout=idle_timeout,
            proxy=proxy,
        )
        self._completions = self._client.server.url("/chat/completions")
        self._lessons: dict[str, ModelLessons] = {}
        self._reports_usage: dict[str, bool] = {}
        self._begins_in_reasoning: dict[str, bool] = {}
        self._facts = ServerFacts(base_url, self.profile.name, self._client.fetch)
        self._listed: dict[str, ModelList.Model] | None = None
        self._listed_until = 0.0

    async def stream(self, ask: ModelRequest) -> AsyncGenerator[Sequence[Chunk]]:
        """Send one request, without retries; yields the chunks of each read.

        Closing the generator closes the connection. If the server rejects a field, the request is sent again without
        it: a rejected request generates nothing.

        Raises:
            ModelError: rejected, unreachable, interrupted, or silent for too long.
        """
        response, warnings = await self._open_response(ask)
        offered = {tool["name"]: tool.get("parameters") for tool in ask.tools}
        reader = StreamReader(self._client.failures, offered=offered, opened=self._begins_in_reasoning.get(ask.model))
        async with aclosing(self._client.read_chunks(response, reader, warnings)) as read:
            async for chunks in read:
                yield chunks
        self._reports_usage[ask.model] = reader.usage_reported
        if reader.opened is not None:
            self._begins_in_reasoning[ask.model] = reader.opened

    async def _open_response(self, ask: ModelRequest) -> tuple[aiohttp.ClientResponse, list[WarningDelta]]:
        """Return a successful response, and warnings for the user about what was sent.

        Raises:
            ModelError: rejected, and nothing more can be learned from the error.
        """
        for lessons_left in range(MAX_LESSONS, -1, -1):
            known = self._lessons.get(ask.model, NOTHING_LEARNED)
            body, warnings = build_request(ask, self.profile, known)
            response = await self._client.post(self._completions, body)
            if 200 <= response.status < 300:
                return response, warnings
            refusal = await self._client.read_refusal(response, model=ask.model)
            learned = None
            if lessons_left and refusal.status in TEACHING_STATUSES and refusal.failure.context is None:
                learned = learn(known, refusal.text, refusal.error, body, self.profile)
            if learned is None:
                raise refusal.failure
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
        body = await self._client.request(self._client.server.url("/models"))
        try:
            listed = msgspec.json.decode(body, type=ModelList | list[ModelList.Model])
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise self._client.failures.build_unreadable("the list of models is malformed") from None
        return listed if isinstance(listed, list) else listed.data or []

    async def delete(self, model: str) -> None:
        """Delete a model: `DELETE /models/{model}`, as for fine-tuned models of OpenAI.

        Raises:
            ModelError: it does not exist, cannot be deleted, or the server could not be reached.
        """
        url = self._client.server.url(f"/models/{quote(model, safe='')}")
        await self._client.request(url, method="DELETE", model=model)

    async def close(self) -> None:
        """Close its connections, and interrupt open streams."""
        await self._client.close()

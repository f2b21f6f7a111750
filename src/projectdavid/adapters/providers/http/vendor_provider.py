"""The skeleton of a provider with its own protocol: requests, lessons from errors, streams and facts about models."""

from __future__ import annotations

import json
import logging
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from time import monotonic
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from projectdavid.adapters.providers.http.client import ProviderClient
from projectdavid.adapters.providers.http.event_reader import AnswerFold, JsonEventReader
from projectdavid.adapters.providers.http.option_lessons import MAX_LESSONS, OptionLessons
from projectdavid.adapters.providers.http.server import BEARER
from projectdavid.adapters.providers.http.turns import has_images
from projectdavid.engine.deltas import Chunk, WarningDelta
from projectdavid.engine.prompt import ModelRequest
from projectdavid.ports.catalog import CatalogEntry
from projectdavid.ports.model import ModelError, ModelFacts

if TYPE_CHECKING:
    import aiohttp

log = logging.getLogger("projectdavid.adapters.providers")

_LIST_TTL = 300.0
_LIST_RETRY_AFTER = 60.0
_CAPABILITY_OPTIONS = {"tools": "tools", "images": "images", "reasoning": "reasoning_effort"}
"""Capabilities, and the option that is omitted if the settings deny them."""
_NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class ListedModel:
    """A vendor's facts about a model; None and missing capabilities are unknown."""

    window: int | None = None
    max_output: int | None = None
    capabilities: Mapping[str, bool] = field(default_factory=dict[str, bool])
    extra: frozenset[str] = frozenset()
    """Optional parts of the vendor's protocol that the model rejects."""


@dataclass(frozen=True, slots=True)
class RequestRules:
    """What a request to a model must respect."""

    omit: frozenset[str]
    """Options that are not sent: `tools`, `images`, and the names of the chat completions protocol."""
    max_output: int | None
    """Maximum tokens of an answer; None if unknown."""
    window: int | None = None
    """Maximum tokens of a prompt and its answer together; None if unknown."""


@dataclass(slots=True)
class VendorRequest:
    """A request in the format of a vendor. `sent` are the options that it contains, in the order to give them up."""

    url: str
    body: dict[str, Any]
    sent: tuple[str, ...] = ()
    warnings: list[WarningDelta] = field(default_factory=list[WarningDelta])


@dataclass(frozen=True, slots=True)
class VendorOptions:
    """The operator's options of a provider."""

    omit: frozenset[str] = frozenset()
    capabilities: Mapping[str, bool] = field(default_factory=dict[str, bool])
    """Known by the operator; false: the content is not sent."""
    extra_body: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Fields added to every request."""
    find_published: Callable[[str], CatalogEntry | None] = lambda _: None
    """Returns the published facts about a model."""
    find_window: Callable[[str], int | None] = lambda _: None
    """Returns the context window that the operator configured for a model."""


NO_OPTIONS = VendorOptions()


class VendorProvider(ABC):
    """A provider with the protocol of one vendor; arguments as for `ProviderClient`, and the operator's options.

    Raises:
        ValueError: `base_url` is not an http or https URL, or the key or a header contains a line break.
    """

    kind: ClassVar[str]
    """The name of the protocol in the settings."""
    catalog_name: ClassVar[str]
    """The name of the vendor in the model catalog."""
    key_header: ClassVar[str] = BEARER
    fixed_headers: ClassVar[Mapping[str, str]] = _NOTHING
    option_patterns: ClassVar[Mapping[str, str]] = _NOTHING
    """Options that errors can reject: see `OptionLessons`."""
    json_lines: ClassVar[bool] = False

    def __init__(
        self,
        *,
        name: str,
        base_url: str,
        api_key: str | None,
        headers: Mapping[str, str] = _NOTHING,
        connect_timeout: float = 10,
        idle_timeout: float = 300,
        proxy: str | None = None,
        options: VendorOptions = NO_OPTIONS,
    ) -> None:
        self.base_url = base_url
        self.client = ProviderClient(
            name=name,
            base_url=base_url,
            api_key=api_key,
            headers={**self.fixed_headers, **headers},
            key_header=self.key_header,
            connect_timeout=connect_timeout,
            idle_timeout=idle_timeout,
            proxy=proxy,
        )
        self._name = name
        self.options = options
        denied = {option for name, option in _CAPABILITY_OPTIONS.items() if options.capabilities.get(name) is False}
        self._omit = options.omit | denied
        self._lessons = OptionLessons(self.option_patterns)
        self._reports_usage: dict[str, bool] = {}
        self._listed: dict[str, ListedModel] | None = None
        self._listed_until = 0.0

    @abstractmethod
    async def _build(self, ask: ModelRequest, rules: RequestRules) -> VendorRequest:
        """Return the request."""

    @abstractmethod
    def _fold(self, ask: ModelRequest, rules: RequestRules) -> AnswerFold:
        """Return the fold for its answer."""

    @abstractmethod
    async def _list(self) -> dict[str, ListedModel]:
        """Return the models that it serves, by name. Raises ModelError."""

    async def _describe(self, model: str, listed: ListedModel) -> ListedModel:  # noqa: ARG002 - for others
        """Return what the vendor reports about a model, in addition to its entry in the list."""
        return listed

    async def stream(self, ask: ModelRequest) -> AsyncGenerator[Sequence[Chunk]]:
        """Send one request, without retries; yields the chunks of each read.

        Closing the generator closes the connection. If the vendor rejects an option, the request is sent again without
        it: a rejected request generates nothing.

        Raises:
            ModelError: rejected, unreachable, interrupted, or silent for too long.
        """
        response, request, rules = await self._open(ask)
        fold = self._fold(ask, rules)
        reader = JsonEventReader(self.client.failures, fold, lines=self.json_lines)
        async with aclosing(self.client.read_chunks(response, reader, request.warnings)) as read:
            async for chunks in read:
                yield chunks
        self._reports_usage[ask.model] = fold.usage_reported

    async def _open(self, ask: ModelRequest) -> tuple[aiohttp.ClientResponse, VendorRequest, RequestRules]:
        for lessons_left in range(MAX_LESSONS, -1, -1):
            rules = self._rules(ask.model)
            request = await self._build(ask, rules)
            request.warnings += find_warnings(ask, rules.omit)
            body = {**request.body, **self.options.extra_body}
            response = await self.client.post(request.url, body)
            if 200 <= response.status < 300:
                return response, request, rules
            refusal = await self.client.read_refusal(response, model=ask.model)
            learned = self._lessons.learn(ask.model, refusal, request.sent) if lessons_left else None
            if learned is None:
                raise refusal.failure
            log.info("provider %s, model %s: does not accept '%s'", self._name, ask.model, learned)
        raise AssertionError("unreachable")

    def _rules(self, model: str) -> RequestRules:
        listed = (self._listed or {}).get(model, ListedModel())
        published = self.options.find_published(model) or CatalogEntry()
        omit = self._omit | self._lessons.omitted(model) | listed.extra
        window = self.options.find_window(model) or listed.window or published.window
        return RequestRules(omit, listed.max_output or published.max_output, window)

    async def models(self) -> list[str]:
        """Return the names of the models that it serves now.

        Raises:
            ModelError: the list could not be read.
        """
        listed = await self._list()
        self._listed, self._listed_until = listed, monotonic() + _LIST_TTL
        return list(listed)

    async def facts(self, model: str) -> ModelFacts:
        """Return the facts about a model from the settings, errors and the vendor.

        The list of models is cached for five minutes; if it could not be read, for one.
        """
        if self._listed is None or monotonic() >= self._listed_until:
            try:
                await self.models()
            except ModelError:
                self._listed, self._listed_until = {}, monotonic() + _LIST_RETRY_AFTER
        said = await self._describe(model, (self._listed or {}).get(model, ListedModel()))
        known = {name: (value, "provider") for name, value in said.capabilities.items()}
        if model in self._reports_usage:
            known["usage"] = (self._reports_usage[model], "learned")
        if "images" in self._lessons.omitted(model):
            known["images"] = (False, "learned")
        known |= {name: (value, "settings") for name, value in self.options.capabilities.items()}
        return ModelFacts(said.window, self._lessons.describe(model), known)

    async def delete(self, model: str) -> None:
        """Reject the deletion: this vendor's protocol has none.

        Raises:
            ModelError: always.
        """
        raise ModelError("invalid_request", f"Provider {self._name!r} cannot delete the model '{model}'.")

    async def close(self) -> None:
        """Close its connections, and interrupt open streams."""
        await self.client.close()


def find_options(ask: ModelRequest) -> dict[str, Any]:
    """Return the options that the user set, by their names in the chat completions protocol."""
    options: dict[str, Any] = {
        **ask.options,
        "tools": ask.tools or None,
        "tool_choice": ask.tool_choice if ask.tools and ask.tool_choice != "auto" else None,
        "parallel_tool_calls": ask.parallel_tool_calls if ask.tools and ask.parallel_tool_calls is False else None,
        "strict": True if any(tool.get("strict") for tool in ask.tools) else None,
        "response_format": None if _is_text(ask.response_format) else ask.response_format,
        "images": True if has_images(ask.messages) else None,
    }
    return {name: value for name, value in options.items() if value is not None}


def find_warnings(ask: ModelRequest, omit: frozenset[str]) -> list[WarningDelta]:
    """Return the warnings about options that the user set and the request omits."""
    warnings: list[WarningDelta] = []
    for name in sorted(find_options(ask).keys() & omit):
        if name == "tools":
            said = f"The model '{ask.model}' cannot call functions, so the run's tools were not sent."
            warnings.append(WarningDelta("tools_left_out", said))
        elif name == "images":
            said = f"The model '{ask.model}' cannot see images, so they were not sent."
            warnings.append(WarningDelta("images_left_out", said))
        elif name != "response_format":  # its schema becomes an instruction
            warnings.append(left_out(ask.model, name))
    return warnings


def left_out(model: str, name: str) -> WarningDelta:
    """Return the warning about an option that was not sent."""
    return WarningDelta("parameter_left_out", f"The model '{model}' does not accept '{name}', so it was not sent.")


def format_instruction(response_format: dict[str, Any] | None) -> str:
    """Return the instruction that replaces a response format; empty if there is nothing to replace."""
    match response_format:
        case {"type": "json_schema", "json_schema": {"schema": schema}}:
            return f"Answer only with a JSON object that matches this JSON schema: {json.dumps(schema)}"
        case {"type": "json_object"}:
            return "Answer only with a JSON object, without any other text."
        case _:
            return ""


def _is_text(response_format: dict[str, Any] | None) -> bool:
    return response_format is None or response_format.get("type") in (None, "text", "auto")

"""Provider for the native protocol of Ollama.

Source: Ollama API reference, "Generate a chat completion", "List local models" and "Show model information". Unlike its
chat-completions endpoint, it accepts the size of the context, and reports a prompt that does not fit.
"""

from collections.abc import Mapping
from time import monotonic
from types import MappingProxyType
from typing import Any, ClassVar

from projectdavid.adapters.providers.http.answer_parts import as_object
from projectdavid.adapters.providers.http.ollama_models import OllamaModel, read_shown_model
from projectdavid.adapters.providers.http.option_lessons import NO_IMAGES
from projectdavid.adapters.providers.http.vendor_provider import (
    ListedModel,
    RequestRules,
    VendorProvider,
    VendorRequest,
)
from projectdavid.adapters.providers.ollama.answer_fold import ChatFold
from projectdavid.adapters.providers.ollama.request_builder import build_body
from projectdavid.engine.prompt import ModelRequest
from projectdavid.ports.model import ModelError

__all__ = ["DEFAULT_WINDOW", "OllamaProvider"]

DEFAULT_WINDOW = 16_384
"""The context window of models for which neither the operator nor the model file sets one, if they support it."""
_SHOW_TTL = 300.0
_SHOW_RETRY_AFTER = 60.0
_MAX_CACHED = 512


class OllamaProvider(VendorProvider):
    """A client of an Ollama server; `base_url` is the parent of `/api`."""

    kind: ClassVar[str] = "ollama"
    catalog_name: ClassVar[str] = "ollama"
    json_lines: ClassVar[bool] = True
    option_patterns: ClassVar[Mapping[str, str]] = MappingProxyType(
        {
            "think_level": r"think value",
            "reasoning_effort": r"support thinking|\bthink\b",
            "tools": r"support tools",
            "images": NO_IMAGES,
        }
    )

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._shown: dict[str, tuple[float, OllamaModel]] = {}

    async def _build(self, ask: ModelRequest, rules: RequestRules) -> VendorRequest:
        return build_body(ask, rules, self.client.server.url("/api/chat"), await self._window(ask.model))

    def _fold(self, ask: ModelRequest, rules: RequestRules) -> ChatFold:  # noqa: ARG002 - it limits nothing itself
        return ChatFold(self.client.failures, ask.model, limited=ask.max_tokens is not None)

    async def _list(self) -> dict[str, ListedModel]:
        listed = as_object(await self.client.fetch(self.client.server.url("/api/tags"))).get("models")
        if not isinstance(listed, list):
            raise self.client.failures.build_unreadable("the list of models is malformed")
        entries = (one.get("model") or one.get("name") for one in listed if isinstance(one, dict))
        return {name: ListedModel() for name in entries if isinstance(name, str)}

    async def _describe(self, model: str, listed: ListedModel) -> ListedModel:
        shown = await self._show(model)
        return ListedModel(await self._window(model), listed.max_output, shown.capabilities)

    async def _window(self, model: str) -> int | None:
        """Return the window to ask for: the configured one, or else one that the model supports; None if unknown."""
        if configured := self.options.find_window(model):
            return configured
        shown = await self._show(model)
        if shown.configured_window is not None or shown.trained_window is None:
            return shown.configured_window
        return min(shown.trained_window, DEFAULT_WINDOW)

    async def _show(self, model: str) -> OllamaModel:
        """Return what the server reports about a model, cached for five minutes; if it could not be read, for one."""
        until, known = self._shown.get(model, (0.0, OllamaModel()))
        if monotonic() < until:
            return known
        try:
            said = await self.client.fetch(self.client.server.url("/api/show"), {"model": model})
            known, lasts = read_shown_model(said), _SHOW_TTL
        except ModelError:
            known, lasts = OllamaModel(), _SHOW_RETRY_AFTER
        if len(self._shown) >= _MAX_CACHED:
            self._shown.clear()
        self._shown[model] = (monotonic() + lasts, known)
        return known

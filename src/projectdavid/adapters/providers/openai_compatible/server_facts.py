"""Facts that servers report about models: in the list of models, llama.cpp's `/props` and Ollama's `/api/show`.

Sources: the API references of OpenRouter, Mistral, Anthropic, Fireworks, llama.cpp, LM Studio and Ollama.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

from projectdavid.adapters.providers.http.ollama_models import read_shown_model
from projectdavid.adapters.providers.openai_compatible.wire import ModelList, as_tokens
from projectdavid.ports.model import ModelError

_CACHE_TTL = 300.0
_RETRY_AFTER = 60.0
_MAX_CACHED = 512
_FLAGS = {
    "function_calling": "tools",
    "tool_use": "tools",
    "tools": "tools",
    "supports_tools": "tools",
    "vision": "images",
    "image_input": "images",
    "supports_image_input": "images",
    "multimodal": "images",
    "thinking": "reasoning",
    "reasoning": "reasoning",
    "structured_outputs": "structured_output",
    "structured_output": "structured_output",
    "parallel_tool_calls": "parallel_calls",
}
"""Capability names of servers, with those of `ModelFacts`."""
_TEMPLATE = {
    "supports_tool_calls": "tools",
    "supports_tools": "tools",
    "supports_parallel_tool_calls": "parallel_calls",
}

Fetch = Callable[[str, Mapping[str, Any] | None], Awaitable[Any]]
"""Requests a URL, with a JSON body or without, and returns the decoded answer. Raises ModelError."""


@dataclass(frozen=True, slots=True)
class ReportedFacts:
    """The facts that a server reports about one model."""

    window: int | None = None
    capabilities: Mapping[str, bool] = field(default_factory=dict[str, bool])


class ServerFacts:
    """Reads the facts outside the list of models, and caches them for five minutes."""

    def __init__(self, base_url: str, profile: str, fetch: Fetch) -> None:
        base = urlsplit(base_url)
        root = base.path.rstrip("/").removesuffix("/v1")
        self._root = base._replace(netloc=base.netloc.rpartition("@")[2], path=root, fragment="").geturl()
        self._profile = profile
        self._fetch = fetch
        self._cache: dict[str, tuple[float, Any]] = {}

    async def read(self, model: str, listed: ModelList.Model | None) -> ReportedFacts:
        """Return the facts about a model; only those of `listed` if the server cannot be reached."""
        said = ReportedFacts() if listed is None else ReportedFacts(listed.window, read_list_entry(listed))
        if self._profile == "ollama":
            return _merge(said, _from_ollama(await self._fetch_cached("/api/show", {"model": model})))
        if self._profile == "llamacpp" or (listed is not None and listed.is_llamacpp):
            return _merge(said, read_llamacpp(await self._fetch_cached("/props", None)))
        return said

    async def _fetch_cached(self, path: str, body: Mapping[str, Any] | None) -> Any:
        key = path if body is None else f"{path} {body['model']}"
        until, answer = self._cache.get(key, (0.0, None))
        if monotonic() < until:
            return answer
        try:
            answer, lasts = await self._fetch(self._root + path, body), _CACHE_TTL
        except ModelError:
            answer, lasts = None, _RETRY_AFTER
        if len(self._cache) >= _MAX_CACHED:
            self._cache.clear()
        self._cache[key] = (monotonic() + lasts, answer)
        return answer


def read_list_entry(listed: ModelList.Model) -> dict[str, bool]:
    """Return the capabilities in an entry of a list of models; those that it does not name are unknown."""
    found: dict[str, bool] = {}
    if isinstance(listed.supported_parameters, list):  # OpenRouter: a complete list
        names = set(map(str, listed.supported_parameters))
        found["tools"] = "tools" in names
        found["reasoning"] = bool(names & {"reasoning", "include_reasoning"})
        found["structured_output"] = "structured_outputs" in names
    inputs = listed.architecture.get("input_modalities") if isinstance(listed.architecture, dict) else None
    if isinstance(inputs, list):
        found["images"] = "image" in inputs
    if listed.type == "vlm":  # LM Studio
        found["images"] = True
    elif listed.type == "llm":
        found["images"] = False
    named = listed.capabilities
    if isinstance(named, list):  # LM Studio, llama.cpp: only what it supports
        found |= {_FLAGS[word]: True for word in named if isinstance(word, str) and word in _FLAGS}
    elif isinstance(named, dict):  # Mistral, Anthropic
        found |= _flags(named)
    return found | _flags(
        {"supports_tools": listed.supports_tools, "supports_image_input": listed.supports_image_input}
    )


def read_llamacpp(props: Any) -> ReportedFacts:
    """Return the facts in `/props`: the window of a slot, and the capabilities of the chat template."""
    template, modalities = _part(props, "chat_template_caps"), _part(props, "modalities")
    found = {name: template[word] for word, name in _TEMPLATE.items() if type(template.get(word)) is bool}
    if type(modalities.get("vision")) is bool:
        found["images"] = modalities["vision"]
    return ReportedFacts(as_tokens(_part(props, "default_generation_settings").get("n_ctx")), found)


def _from_ollama(show: Any) -> ReportedFacts:
    model = read_shown_model(show)
    return ReportedFacts(model.configured_window, model.capabilities)


def _flags(named: Mapping[str, Any]) -> dict[str, bool]:
    found: dict[str, bool] = {}
    for word, value in named.items():
        flag = value.get("supported") if isinstance(value, dict) else value
        if word in _FLAGS and type(flag) is bool:
            found[_FLAGS[word]] = flag
    return found


def _part(value: Any, name: str) -> Mapping[str, Any]:
    part = value.get(name) if isinstance(value, dict) else None
    return part if isinstance(part, dict) else {}


def _merge(listed: ReportedFacts, more: ReportedFacts) -> ReportedFacts:
    return ReportedFacts(listed.window or more.window, {**listed.capabilities, **more.capabilities})

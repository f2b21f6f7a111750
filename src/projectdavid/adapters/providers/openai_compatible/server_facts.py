"""What servers say about their models: in the list of models, in `/props` of llama.cpp, in `/api/show` of Ollama.

Sources: the API references of OpenRouter, Mistral, Anthropic, Fireworks, llama.cpp, LM Studio and Ollama.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

from projectdavid.adapters.providers.openai_compatible.wire import ModelList, as_tokens
from projectdavid.ports.model import ModelError

_KEPT = 300.0
_RETRIED = 60.0
_MOST_KEPT = 512
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
"""The words of servers, and what we call it."""
_TEMPLATE = {
    "supports_tool_calls": "tools",
    "supports_tools": "tools",
    "supports_parallel_tool_calls": "parallel_calls",
}

Fetch = Callable[[str, Mapping[str, Any] | None], Awaitable[Any]]
"""Requests a URL, with a JSON body or without, and returns the decoded answer. Raises ModelError."""


@dataclass(frozen=True, slots=True)
class ServerSays:
    """What a server says about one model."""

    window: int | None = None
    capabilities: Mapping[str, bool] = field(default_factory=dict[str, bool])


class ServerFacts:
    """Reads what a server says besides its list of models, and keeps it for some minutes."""

    def __init__(self, base_url: str, profile: str, fetch: Fetch) -> None:
        base = urlsplit(base_url)
        root = base.path.rstrip("/").removesuffix("/v1")
        self._root = base._replace(netloc=base.netloc.rpartition("@")[2], path=root, fragment="").geturl()
        self._profile = profile
        self._fetch = fetch
        self._kept: dict[str, tuple[float, Any]] = {}

    async def read(self, model: str, listed: ModelList.Model | None) -> ServerSays:
        """Return what the server says about a model; nothing if it cannot be asked."""
        said = ServerSays() if listed is None else ServerSays(listed.window, read_list_entry(listed))
        if self._profile == "ollama":
            return _join(said, read_ollama(await self._ask("/api/show", {"model": model})))
        if self._profile == "llamacpp" or (listed is not None and listed.is_llamacpp):
            return _join(said, read_llamacpp(await self._ask("/props", None)))
        return said

    async def _ask(self, path: str, body: Mapping[str, Any] | None) -> Any:
        key = path if body is None else f"{path} {body['model']}"
        until, answer = self._kept.get(key, (0.0, None))
        if monotonic() < until:
            return answer
        try:
            answer, lasts = await self._fetch(self._root + path, body), _KEPT
        except ModelError:
            answer, lasts = None, _RETRIED
        if len(self._kept) >= _MOST_KEPT:
            self._kept.clear()
        self._kept[key] = (monotonic() + lasts, answer)
        return answer


def read_list_entry(listed: ModelList.Model) -> dict[str, bool]:
    """Return the capabilities in an entry of a list of models; what it does not name is unknown."""
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
    if isinstance(named, list):  # LM Studio, llama.cpp: what it can do, and nothing else
        found |= {_FLAGS[word]: True for word in named if isinstance(word, str) and word in _FLAGS}
    elif isinstance(named, dict):  # Mistral, Anthropic
        found |= _flags(named)
    return found | _flags(
        {"supports_tools": listed.supports_tools, "supports_image_input": listed.supports_image_input}
    )


def read_llamacpp(props: Any) -> ServerSays:
    """Return what `/props` says: the window of a slot, and what the chat template takes."""
    template, modalities = _part(props, "chat_template_caps"), _part(props, "modalities")
    found = {name: template[word] for word, name in _TEMPLATE.items() if type(template.get(word)) is bool}
    if type(modalities.get("vision")) is bool:
        found["images"] = modalities["vision"]
    return ServerSays(as_tokens(_part(props, "default_generation_settings").get("n_ctx")), found)


def read_ollama(show: Any) -> ServerSays:
    """Return what `/api/show` says: capabilities, and the window where the model file sets `num_ctx`."""
    listed = show.get("capabilities") if isinstance(show, dict) else None
    found: dict[str, bool] = {}
    if isinstance(listed, list):
        found = {"tools": "tools" in listed, "images": "vision" in listed, "reasoning": "thinking" in listed}
    parameters = show.get("parameters") if isinstance(show, dict) else None
    window = None
    for line in parameters.splitlines() if isinstance(parameters, str) else ():
        name, _, value = line.partition(" ")
        if name == "num_ctx" and value.strip().isascii() and value.strip().isdigit():
            window = as_tokens(int(value.strip()[:12]))
    return ServerSays(window, found)


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


def _join(listed: ServerSays, more: ServerSays) -> ServerSays:
    return ServerSays(listed.window or more.window, {**listed.capabilities, **more.capabilities})

"""Reads what Ollama reports about a model in `/api/show`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from projectdavid.adapters.providers.http.answer_parts import as_count, as_object


@dataclass(frozen=True, slots=True)
class OllamaModel:
    """A model of an Ollama server; None and missing capabilities are unknown."""

    configured_window: int | None = None
    """The window that its model file sets (`num_ctx`)."""
    trained_window: int | None = None
    """The largest window that the model supports."""
    capabilities: Mapping[str, bool] = field(default_factory=dict[str, bool])


def read_shown_model(show: Any) -> OllamaModel:
    """Return the model in an answer of `/api/show`."""
    said = as_object(show)
    listed = said.get("capabilities")
    known: dict[str, bool] = {}
    if isinstance(listed, list):
        known = {"tools": "tools" in listed, "images": "vision" in listed, "reasoning": "thinking" in listed}
    info = as_object(said.get("model_info"))
    trained = next((value for name, value in info.items() if name.endswith(".context_length")), None)
    return OllamaModel(_configured(said.get("parameters")), as_count(trained) or None, known)


def _configured(parameters: Any) -> int | None:
    """Return the last valid `num_ctx` of a model file's parameters, one a line."""
    window: int | None = None
    for line in parameters.splitlines() if isinstance(parameters, str) else ():
        name, _, value = line.partition(" ")
        if name == "num_ctx" and value.strip().isascii() and value.strip().isdigit():
            window = as_count(int(value.strip()[:12])) or None
    return window

"""The platform inside this process, for `Entity.embedded()`."""

import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol


class EmbeddedServer(Protocol):
    """A platform that can be started and stopped. Its address and key are known once it runs."""

    base_url: str
    api_key: str

    def start(self) -> None:
        """Start, and return when the server accepts requests."""
        ...

    def stop(self) -> None:
        """Stop, and return when all data is stored."""
        ...


def load(path: str | Path, tools: Mapping[str, Any] | None) -> EmbeddedServer:
    """Create a platform on the data folder `path`, with platform tools by type; it is not started.

    Raises:
        ImportError: the server is not installed.
    """
    try:
        from projectdavid.composition.embedded import EmbeddedPlatform
    except ImportError as error:
        if (error.name or "").startswith("projectdavid"):
            raise
        raise ImportError(
            f"Entity.embedded() needs the server ({error.name} is missing): "
            "in a checkout of this project, pip install '.[server]'",
            name=error.name,
        ) from error
    return EmbeddedPlatform(path, tools=tools)


def stop_with(owner: object, hosted: EmbeddedServer) -> "weakref.finalize[Any, Any]":
    """Return a finalizer that stops the platform once: when called, when its owner is collected, or at exit."""
    return weakref.finalize(owner, hosted.stop)

"""The platform inside this process: for `Entity.embedded()`."""

import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol


class Hosted(Protocol):
    """A platform that can be started and stopped; its address and key are known once it runs."""

    base_url: str
    api_key: str

    def start(self) -> None:
        """Start, and return when it answers."""
        ...

    def stop(self) -> None:
        """Stop, and return when all is stored."""
        ...


def load(path: str | Path, tools: Mapping[str, Any] | None) -> Hosted:
    """A platform that keeps everything in the directory `path`, with platform tools by type; it is not started.

    Raises:
        ImportError: the server is not installed.
    """
    try:
        from projectdavid.server.embedded import Embedded
    except ImportError as error:
        if (error.name or "").startswith("projectdavid"):
            raise
        raise ImportError(
            f"Entity.embedded() needs the server ({error.name} is missing): "
            "in a checkout of this project, pip install '.[server]'",
            name=error.name,
        ) from error
    return Embedded(path, tools=tools)


def stop_with(owner: object, hosted: Hosted) -> "weakref.finalize[Any, Any]":
    """What stops the platform, once: when it is called, its owner is forgotten, or the program ends."""
    return weakref.finalize(owner, hosted.stop)

"""The web search socket: a query in, links to pages out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class WebResult:
    """A page that was found: what its search engine says of it, which nobody has checked."""

    title: str
    url: str
    snippet: str = ""
    published: str | None = None
    """When, in the engine's own words."""


@dataclass(slots=True)
class WebSearchError(Exception):
    """Nothing could be searched. `code` is `authentication_error`, `rate_limit_exceeded`, `timeout`, `connection_error`
    or `server_error`; `message` never holds a key."""

    code: str
    message: str

    def __str__(self) -> str:
        return self.message


class WebSearch(Protocol):
    """A search engine."""

    @property
    def name(self) -> str:
        """What it is called."""
        ...

    async def search(self, query: str, count: int) -> Sequence[WebResult]:
        """At most `count` pages, the best first; asked once.

        Raises:
            WebSearchError: refused, unreachable, or answered with what is no list of pages.
        """
        ...

    async def close(self) -> None:
        """Give back its connections."""
        ...

"""The web search port: returns links to pages for a query."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class WebResult:
    """A page in the results, as described by the search engine; untrusted."""

    title: str
    url: str
    snippet: str = ""
    published: str | None = None
    """Its date, as text from the engine."""


@dataclass(slots=True)
class WebSearchError(Exception):
    """The search failed. `code` is `authentication_error`, `rate_limit_exceeded`, `timeout`, `connection_error` or
    `server_error`; `message` never contains a key.
    """

    code: str
    message: str

    def __str__(self) -> str:
        return self.message


class WebSearchEngine(Protocol):
    """A search engine."""

    @property
    def name(self) -> str:
        """Its display name."""
        ...

    async def search(self, query: str, count: int) -> Sequence[WebResult]:
        """Return at most `count` pages, best first, without retries.

        Raises:
            WebSearchError: rejected, unreachable, or an invalid response.
        """
        ...

    async def close(self) -> None:
        """Close its connections."""
        ...

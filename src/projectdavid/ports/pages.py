"""The pages port: a cache of web pages per owner."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class WebPage:
    """A page as text: `url` is the requested one, `final_url` the one after redirects.

    `warnings` describe possible errors in the text.
    """

    url: str
    final_url: str
    title: str
    text: str
    warnings: tuple[str, ...] = ()


class WebPageCache(Protocol):
    """Caches pages per owner."""

    async def find_page(self, owner: str, url: str) -> WebPage | None:
        """Return the cached page of a URL; None if it must be read."""
        ...

    async def keep(self, owner: str, page: WebPage) -> None:
        """Store a page, replacing the cached one of its URL."""
        ...

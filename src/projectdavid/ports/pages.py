"""The pages socket: pages of the web that were read for an owner, kept for a while."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Page:
    """A page as text: `url` is where it was asked for, `final_url` where redirects led."""

    url: str
    final_url: str
    title: str
    text: str


class Pages(Protocol):
    """Keeps pages, each for its owner alone."""

    async def kept(self, owner: str, url: str) -> Page | None:
        """The page that is kept of a URL; None: it has to be read."""
        ...

    async def keep(self, owner: str, page: Page) -> None:
        """Keep a page, in the place of what was kept of its URL."""
        ...

"""Pages of the web that were read for an owner, kept in the store."""

import logging

from projectdavid.ports.pages import Page
from projectdavid.ports.store import Op, Store, Unavailable
from projectdavid.runtime.driver import Clock

log = logging.getLogger("projectdavid.tools")

KEPT = 86_400.0
"""Seconds for which a page counts as read."""
MOST = 200
"""Pages of an owner."""


class StorePages:
    """Keeps pages for a day."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def kept(self, owner: str, url: str) -> Page | None:
        """The page that is kept of a URL, if it is not a day old."""
        row = await self._store.of(owner).one("page_kept", url=url, since=self._clock() - KEPT)
        return None if row is None else Page(row.url, row.final_url, row.title, row.text)

    async def keep(self, owner: str, page: Page) -> None:
        """Keep a page; the oldest of the owner goes where there are too many."""
        params = {"url": page.url, "final_url": page.final_url, "title": page.title, "text": page.text}
        try:
            await self._store.of(owner).write(
                [Op("page_keep", {**params, "now": self._clock()}), Op("pages_bound", {"most": MOST})]
            )
        except Unavailable as error:
            log.warning("a page is not kept: %s", error)

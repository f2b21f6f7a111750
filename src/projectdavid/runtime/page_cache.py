"""The cache of web pages per owner, in the store."""

import json
import logging

from projectdavid.ports import queries
from projectdavid.ports.pages import WebPage
from projectdavid.ports.rows import WebPageRow
from projectdavid.ports.store import Op, Store, StoreUnavailable
from projectdavid.runtime.clock import Clock

log = logging.getLogger("projectdavid.tools")

KEPT = 86_400.0
"""Seconds for which a page is cached."""
MOST = 200
"""Maximum pages per owner."""


class StorePages:
    """Caches pages for a day."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def find_page(self, owner: str, url: str) -> WebPage | None:
        """Return the cached page of a URL, if it is less than a day old."""
        row = await self._store.of(owner).one(queries.PAGE_KEPT, url=url, since=self._clock() - KEPT)
        return None if row is None else _page(row)

    async def keep(self, owner: str, page: WebPage) -> None:
        """Cache a page; beyond the limit, the owner's oldest one is removed."""
        params = {
            "url": page.url,
            "final_url": page.final_url,
            "title": page.title,
            "text": page.text,
            "warnings": json.dumps(page.warnings),
        }
        try:
            await self._store.of(owner).write(
                [Op(queries.PAGE_KEEP, {**params, "now": self._clock()}), Op(queries.PAGES_BOUND, {"most": MOST})]
            )
        except StoreUnavailable as error:
            log.warning("a page could not be cached: %s", error)


def _page(row: WebPageRow) -> WebPage:
    return WebPage(row.url, row.final_url, row.title, row.text, tuple(json.loads(row.warnings)))

"""Reads web pages as text, through the guard and as permitted by robots.txt."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from email.message import Message
from typing import TypeVar
from urllib.parse import urldefrag, urlsplit, urlunsplit

from protego import Protego

from projectdavid.egress import EgressGuard, GuardedReply, OutboundError
from projectdavid.ports.documents import DocumentReader, DocumentsUnavailable, DocumentUnreadable
from projectdavid.ports.pages import WebPage, WebPageCache
from projectdavid.ports.tool import ToolError
from projectdavid.tools.robots import rules_of

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")

AGENT = "projectdavid"
"""The user agent, also for robots.txt."""
ACCEPT = "text/html,application/xhtml+xml,text/plain,text/markdown,application/json;q=0.9,*/*;q=0.5"
ROBOTS_KEPT = 3600.0
"""Seconds for which a site's robots.txt is cached."""
UNREAD_KEPT = 60.0
"""Seconds for which an unreadable robots.txt forbids the site, to the owner whose request failed."""
SITES = 1000
LONGEST = 1_000_000
"""Characters of a page that are kept."""
LONGEST_URL = 2048


class PageReader:
    """Reads pages, and caches them per owner.

    Args:
        guard: follows redirects, and limits size and time of a response.
        documents: converts a response to text, in a separate process.
        pages: the page cache.
        now: seconds, for the age of cached rules.
    """

    def __init__(
        self,
        guard: EgressGuard,
        documents: DocumentReader,
        pages: WebPageCache,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._guard = guard
        self._documents = documents
        self._pages = pages
        self._now = now
        self._robots: OrderedDict[str, tuple[float, Protego]] = OrderedDict()
        self._unread: OrderedDict[tuple[str, str], tuple[float, str]] = OrderedDict()

    async def read(self, owner: str, url: str) -> WebPage:
        """Return a page, read now or within the last day.

        Raises:
            ToolError: it is refused, forbidden, missing, too long, too slow, or not text; the message says which.
        """
        url = urldefrag(url.strip())[0]
        if not url.lower().startswith(("http://", "https://")) or len(url) > LONGEST_URL:
            raise ToolError(f"'url' must be an http or https URL of at most {LONGEST_URL} characters")
        kept = await self._pages.find_page(owner, url)
        if kept is not None:
            return kept
        reply = await self._fetch(owner, url)
        if not 200 <= reply.status < 300:
            raise ToolError(f"the page cannot be read: its server responded with status {reply.status}")
        page = await self._page(url, reply)
        await self._pages.keep(owner, page)
        return page

    async def _fetch(self, owner: str, url: str) -> GuardedReply:
        async def check(hop: str) -> None:
            await self._check_allowed(owner, hop)

        try:
            return await self._guard.get(url, {"accept": ACCEPT, "user-agent": AGENT}, check)
        except OutboundError as error:
            raise ToolError(f"the page cannot be read: {error}") from None

    async def _page(self, url: str, reply: GuardedReply) -> WebPage:
        head = Message()
        head["content-type"] = reply.headers.get("content-type", "")
        try:
            document = await self._documents.read_page(_once(reply.body), head.get_content_charset())
        except DocumentUnreadable as error:
            raise ToolError(f"the page cannot be read. {error}") from None
        except DocumentsUnavailable:
            raise ToolError("pages cannot be read at the moment") from None
        text = document.text.replace("\f", "\n").strip()[:LONGEST]
        title = " ".join(document.title.split())[:300] or url
        return WebPage(url, reply.url, title, text, document.warnings)

    async def _check_allowed(self, owner: str, url: str) -> None:
        """Check that the site's robots.txt allows us to read a page (RFC 9309).

        Raises:
            ToolError: it does not, or cannot be read.
        """
        parts = urlsplit(url)
        site = urlunsplit((parts.scheme, parts.netloc, "", "", ""))
        if not (await self._rules(owner, site)).can_fetch(url, AGENT):
            raise ToolError("the page must not be read: the robots.txt of its site forbids it")

    async def _rules(self, owner: str, site: str) -> Protego:
        """Return a site's rules for robots.

        An unreadable file forbids the site to this owner for a short time: the cause can be specific to them, or
        temporary.

        Raises:
            ToolError: it cannot be read.
        """
        now = self._now()
        if (known := self._robots.get(site)) is not None and known[0] >= now:
            return known[1]
        if (failed := self._unread.get((owner, site))) is not None and failed[0] >= now:
            raise ToolError(failed[1])
        try:
            rules = await self._load(site)
        except ToolError as error:
            _keep(self._unread, (owner, site), (self._now() + UNREAD_KEPT, error.message))
            raise
        self._unread.pop((owner, site), None)
        _keep(self._robots, site, (self._now() + ROBOTS_KEPT, rules))
        return rules

    async def _load(self, site: str) -> Protego:
        try:
            reply = await self._guard.get(f"{site}/robots.txt", {"user-agent": AGENT})
        except OutboundError as error:
            raise ToolError(f"the page must not be read: its robots.txt cannot be read: {error}") from None
        if reply.status >= 500:
            answered = f"its server responded with status {reply.status} to the request for robots.txt"
            raise ToolError(f"the page must not be read: {answered}")
        return await asyncio.to_thread(rules_of, reply.body if reply.status < 300 else b"", AGENT)


def _keep(kept: OrderedDict[_Key, _Value], key: _Key, value: _Value) -> None:
    kept[key] = value
    kept.move_to_end(key)
    if len(kept) > SITES:
        kept.popitem(last=False)


async def _once(body: bytes) -> AsyncIterator[bytes]:
    yield body

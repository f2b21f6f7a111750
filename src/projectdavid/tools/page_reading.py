"""Reads pages of the web: through the guard, as far as robots.txt allows, and as text."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from email.message import Message
from typing import TypeVar
from urllib.parse import urldefrag, urlsplit, urlunsplit

from protego import Protego

from projectdavid.outbound import Guard, OutboundError, Reply
from projectdavid.ports.documents import Documents, DocumentsUnavailable, Unreadable
from projectdavid.ports.pages import Page, Pages
from projectdavid.ports.tool import ToolError
from projectdavid.tools.robots import rules_of

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")

AGENT = "projectdavid"
"""What robots.txt may call us, and what servers are told."""
ACCEPT = "text/html,application/xhtml+xml,text/plain,text/markdown,application/json;q=0.9,*/*;q=0.5"
ROBOTS_KEPT = 3600.0
"""Seconds for which a site's robots.txt counts."""
UNREAD_KEPT = 60.0
"""Seconds for which one that could not be read forbids the site, to the owner whose request failed."""
SITES = 1000
LONGEST = 1_000_000
"""Characters of a page that are kept."""
LONGEST_URL = 2048


class PageReader:
    """Reads pages, and keeps them for their owner.

    Args:
        guard: one that follows redirects, and bounds the size and the time of an answer.
        documents: who makes text of an answer, in a process of its own.
        pages: where pages are kept.
        now: seconds, for the age of what sites say to robots.
    """

    def __init__(
        self, guard: Guard, documents: Documents, pages: Pages, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._guard = guard
        self._documents = documents
        self._pages = pages
        self._now = now
        self._robots: OrderedDict[str, tuple[float, Protego]] = OrderedDict()
        self._unread: OrderedDict[tuple[str, str], tuple[float, str]] = OrderedDict()

    async def read(self, owner: str, url: str) -> Page:
        """A page, read now or within the last day.

        Raises:
            ToolError: it is refused, forbidden, not there, too long, too slow, or no text; says which.
        """
        url = urldefrag(url.strip())[0]
        if not url.lower().startswith(("http://", "https://")) or len(url) > LONGEST_URL:
            raise ToolError(f"'url' is to be an http or https URL of at most {LONGEST_URL} characters")
        kept = await self._pages.kept(owner, url)
        if kept is not None:
            return kept
        reply = await self._asked(owner, url)
        if not 200 <= reply.status < 300:
            raise ToolError(f"the page cannot be read: its server answered {reply.status}")
        page = await self._page(url, reply)
        await self._pages.keep(owner, page)
        return page

    async def _asked(self, owner: str, url: str) -> Reply:
        async def check(hop: str) -> None:
            await self._check_allowed(owner, hop)

        try:
            return await self._guard.get(url, {"accept": ACCEPT, "user-agent": AGENT}, check)
        except OutboundError as error:
            raise ToolError(f"the page cannot be read: {error}") from None

    async def _page(self, url: str, reply: Reply) -> Page:
        head = Message()
        head["content-type"] = reply.headers.get("content-type", "")
        try:
            document = await self._documents.read_page(_once(reply.body), head.get_content_charset())
        except Unreadable as error:
            raise ToolError(f"the page cannot be read. {error}") from None
        except DocumentsUnavailable:
            raise ToolError("pages cannot be read now") from None
        text = document.text.replace("\f", "\n").strip()[:LONGEST]
        return Page(url, reply.url, " ".join(document.title.split())[:300] or url, text)

    async def _check_allowed(self, owner: str, url: str) -> None:
        """Check that the site's robots.txt lets us read a page (RFC 9309).

        Raises:
            ToolError: it does not, or it cannot be read.
        """
        parts = urlsplit(url)
        site = urlunsplit((parts.scheme, parts.netloc, "", "", ""))
        if not (await self._rules(owner, site)).can_fetch(url, AGENT):
            raise ToolError("the page may not be read: the robots.txt of its site forbids it")

    async def _rules(self, owner: str, site: str) -> Protego:
        """Return what a site says to robots.

        One that cannot be read forbids the site to this owner for a short time: the cause can be theirs alone, or over
        in a moment.

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
            raise ToolError(f"the page may not be read: its robots.txt cannot be read: {error}") from None
        if reply.status >= 500:
            answered = f"its server answered {reply.status} when it was asked for its robots.txt"
            raise ToolError(f"the page may not be read: {answered}")
        return await asyncio.to_thread(rules_of, reply.body if reply.status < 300 else b"", AGENT)


def _keep(kept: OrderedDict[_Key, _Value], key: _Key, value: _Value) -> None:
    kept[key] = value
    kept.move_to_end(key)
    if len(kept) > SITES:
        kept.popitem(last=False)


async def _once(body: bytes) -> AsyncIterator[bytes]:
    yield body

"""The search engine and the reader of pages that the settings want; part of the bootstrap, which knows the plugs."""

import os
from collections.abc import Container

from projectdavid.outbound import Guard, own_addresses
from projectdavid.ports.documents import Documents
from projectdavid.ports.pages import Pages
from projectdavid.ports.websearch import WebSearch as Engine
from projectdavid.server.settings import Settings
from projectdavid.server.web import Web
from projectdavid.tools.page_reading import PageReader
from projectdavid.tools.web_search import UNCONFIGURED, WebSearch
from projectdavid.websearches.engines import Brave, Exa, SearXNG, Tavily

MB = 1 << 20
TIMEOUT = 20.0
"""Seconds for a page, its redirects included."""
REDIRECTS = 5
BY_KEY = {"brave": Brave, "tavily": Tavily, "exa": Exa}
VARIABLES = {
    "brave": ("BRAVE_API_KEY", "BRAVE_SEARCH_API_KEY"),
    "tavily": ("TAVILY_API_KEY",),
    "exa": ("EXA_API_KEY",),
}
SEARXNG_VARIABLE = "SEARXNG_URL"


def web_of(settings: Settings, documents: Documents, pages: Pages, others: Container[str]) -> Web:
    """What the settings want; nothing is short where `others`, the tools of the operator's own, have a `web_search`.

    Raises:
        ValueError: an engine without its key, or without its place.
    """
    guard = Guard(
        allow=settings.outbound_allow,
        allow_http=True,
        own_addresses=own_addresses(),
        timeout=TIMEOUT,
        max_bytes=5 * MB,
        max_redirects=REDIRECTS,
    )
    engine = engine_of(settings)
    tools = {"web_search": WebSearch(engine, PageReader(guard, documents, pages))}
    whole = engine is not None or "web_search" in others
    shortcoming = None if whole else f"'web_search' reads pages, but cannot search: {UNCONFIGURED}."
    return Web(engine, guard, tools, shortcoming)


def engine_of(settings: Settings) -> Engine | None:
    """The engine that the settings name, or the usual variables of the environment.

    Raises:
        ValueError: an engine without its key, or without its place.
    """
    chosen, url = settings.web_search, settings.web_search_url
    if chosen is None:
        chosen = "searxng" if os.environ.get(SEARXNG_VARIABLE) else next(filter(_key_of, VARIABLES), None)
    if chosen is None:
        return None
    if chosen == "searxng":
        if not (place := url or os.environ.get(SEARXNG_VARIABLE)):
            raise ValueError("web_search is 'searxng', and web_search_url does not say where it is")
        return SearXNG(place)
    key = settings.web_search_key.get_secret_value() if settings.web_search_key else _key_of(chosen)
    if not key:
        raise ValueError(f"web_search is '{chosen}', which wants a key: set web_search_key or {VARIABLES[chosen][0]}")
    return BY_KEY[chosen](key, url) if url else BY_KEY[chosen](key)


def _key_of(engine: str) -> str | None:
    return next((key for name in VARIABLES[engine] if (key := os.environ.get(name))), None)

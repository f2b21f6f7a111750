"""Builds the search engine and the page reader from the settings."""

import os
from collections.abc import Container

from projectdavid.adapters.web_search.engines import BraveSearch, ExaSearch, SearXNG, TavilySearch
from projectdavid.egress import EgressGuard, own_addresses
from projectdavid.ports.documents import DocumentReader
from projectdavid.ports.pages import WebPageCache
from projectdavid.ports.websearch import WebSearchEngine as Engine
from projectdavid.services.web import WebService
from projectdavid.settings import Settings
from projectdavid.tools.web_pages import PageReader
from projectdavid.tools.web_search import UNCONFIGURED

MB = 1 << 20
TIMEOUT = 20.0
"""Seconds for a page, including redirects."""
REDIRECTS = 5
BY_KEY = {"brave": BraveSearch, "tavily": TavilySearch, "exa": ExaSearch}
VARIABLES = {
    "brave": ("BRAVE_API_KEY", "BRAVE_SEARCH_API_KEY"),
    "tavily": ("TAVILY_API_KEY",),
    "exa": ("EXA_API_KEY",),
}
SEARXNG_VARIABLE = "SEARXNG_URL"


def web_of(settings: Settings, documents: DocumentReader, pages: WebPageCache, others: Container[str]) -> WebService:
    """Build the web service; there is no warning if `others`, the operator's own tools, include a `web_search`.

    Raises:
        ValueError: an engine lacks its key or its URL.
    """
    guard = EgressGuard(
        allow=settings.outbound_allow,
        allow_http=True,
        own_addresses=own_addresses(),
        timeout=TIMEOUT,
        max_bytes=5 * MB,
        max_redirects=REDIRECTS,
    )
    engine = engine_of(settings)
    whole = engine is not None or "web_search" in others
    shortcoming = None if whole else f"'web_search' can read pages, but not search: {UNCONFIGURED}."
    return WebService(engine, guard, PageReader(guard, documents, pages), shortcoming)


def engine_of(settings: Settings) -> Engine | None:
    """Build the engine selected by the settings, or by the usual environment variables.

    Raises:
        ValueError: an engine lacks its key or its URL.
    """
    chosen, url = settings.web_search, settings.web_search_url
    if chosen is None:
        chosen = "searxng" if os.environ.get(SEARXNG_VARIABLE) else next(filter(_key_of, VARIABLES), None)
    if chosen is None:
        return None
    if chosen == "searxng":
        if not (place := url or os.environ.get(SEARXNG_VARIABLE)):
            raise ValueError("web_search is 'searxng', which requires web_search_url")
        return SearXNG(place)
    key = settings.web_search_key.get_secret_value() if settings.web_search_key else _key_of(chosen)
    if not key:
        raise ValueError(
            f"web_search is '{chosen}', which requires a key: set web_search_key or {VARIABLES[chosen][0]}"
        )
    return BY_KEY[chosen](key, url) if url else BY_KEY[chosen](key)


def _key_of(engine: str) -> str | None:
    return next((key for name in VARIABLES[engine] if (key := os.environ.get(name))), None)

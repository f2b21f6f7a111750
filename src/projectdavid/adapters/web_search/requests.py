"""Base class of the engines: one request, its JSON, and error messages, which never contain a key."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from projectdavid.adapters.http_session import LazySession
from projectdavid.lazy_modules import LazyModule
from projectdavid.ports.websearch import WebResult, WebSearchError

if TYPE_CHECKING:
    import aiohttp
else:
    aiohttp = LazyModule("aiohttp")

TIMEOUT = 15.0
"""Timeout of a search in seconds."""
MOST_BYTES = 4 << 20
"""Maximum bytes of a response."""
LONGEST_TITLE, LONGEST_SNIPPET, LONGEST_URL = 300, 1000, 2048
"""Maximum characters of a text field."""
_TAG = re.compile(r"<[^<>]{0,200}>")
_PAGE = re.compile(r"https?://[^\s<>\[\]\"]+")
_FAILURES = {
    401: ("authentication_error", "it rejects the key: check web_search_key"),
    402: ("rate_limit_exceeded", "its quota is exhausted"),
    403: ("authentication_error", "it rejects the request: check web_search_key, and the engine's own settings"),
    404: ("server_error", "the URL does not exist: check web_search_url"),
    408: ("timeout", "it timed out"),
    429: ("rate_limit_exceeded", "it received too many requests"),
}


class SearchEngine:
    """A search engine's server.

    Args:
        name: its display name.
        base_url: the URL of its API.
        timeout: seconds for one search.
    """

    def __init__(self, name: str, base_url: str, timeout: float = TIMEOUT) -> None:
        self.name = name
        self._base_url = base_url.rstrip("/")
        self._timeout = timeout
        self._session = LazySession(timeout)

    async def ask(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> Any:
        """Send one request, and return the JSON of the response.

        Raises:
            WebSearchError: rejected, unreachable, or not JSON.
        """
        url = self._base_url + path
        try:
            async with self._session.get().request(
                method, url, params=params, headers=headers, json=body, allow_redirects=False
            ) as response:
                if response.status != 200:
                    raise self._failure_of(response.status)
                answer = await response.content.read(MOST_BYTES)
                while not response.content.at_eof() and len(answer) < MOST_BYTES:
                    answer += await response.content.read(MOST_BYTES - len(answer))
        except TimeoutError:
            raise WebSearchError("timeout", f"{self.name} did not respond within {self._timeout:g} seconds.") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            # Not chained: aiohttp's errors contain the request with its headers, including the key.
            said = f"{self.name} cannot be reached ({type(error).__name__})."
            raise WebSearchError("connection_error", said) from None
        try:
            return msgspec.json.decode(answer)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise WebSearchError("server_error", f"{self.name} did not return JSON.") from None

    async def close(self) -> None:
        """Close its connections."""
        await self._session.close()

    def _failure_of(self, status: int) -> WebSearchError:
        code, why = _FAILURES.get(status, ("server_error", "it failed"))
        return WebSearchError(code, f"{self.name} answered {status}: {why}.")


def results(answer: Any, place: Iterable[str], names: tuple[str, str], count: int, engine: str) -> list[WebResult]:
    """Parse the pages at a path of the response, with these names of the snippet and the date.

    Raises:
        WebSearchError: there is no list of pages.
    """
    for name in place:
        answer = answer.get(name, []) if isinstance(answer, dict) else None
    if not isinstance(answer, list):
        raise WebSearchError("server_error", f"{engine} returned no list of pages.")
    snippet, date = names
    found = [
        WebResult(
            plain(item.get("title"), LONGEST_TITLE) or item["url"],
            item["url"],
            plain(item.get(snippet), LONGEST_SNIPPET),
            plain(item.get(date), 64) or None,
        )
        for item in answer
        if isinstance(item, dict) and _is_page(item.get("url"))
    ]
    return found[:count]


def plain(text: Any, longest: int) -> str:
    """Convert an engine's HTML to text on one line."""
    if not isinstance(text, str):
        return ""
    line = " ".join(html.unescape(_TAG.sub("", text)).split())
    return line if len(line) <= longest else line[:longest] + "…"


def _is_page(url: Any) -> bool:
    return isinstance(url, str) and len(url) <= LONGEST_URL and _PAGE.fullmatch(url) is not None

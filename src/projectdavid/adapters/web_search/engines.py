"""The supported engines: SearXNG, Brave, Tavily and Exa.

Sources: SearXNG documentation, "Search API"; Brave Search API, "Web search"; Tavily API reference, "Search"; Exa API
reference, "Search".
"""

from collections.abc import Sequence

from projectdavid.adapters.web_search.requests import TIMEOUT, SearchEngine, results
from projectdavid.ports.websearch import WebResult

SNIPPET = 600
"""Characters of each page to request from Exa."""


class SearXNG(SearchEngine):
    """A SearXNG instance whose settings list `json` among `search.formats`."""

    def __init__(self, base_url: str, timeout: float = TIMEOUT) -> None:
        super().__init__("SearXNG", base_url, timeout)

    async def search(self, query: str, count: int) -> Sequence[WebResult]:
        """Return at most `count` pages.

        Raises:
            WebSearchError.
        """
        answer = await self.ask("GET", "/search", params={"q": query, "format": "json"})
        return results(answer, ["results"], ("content", "publishedDate"), count, self.name)


class BraveSearch(SearchEngine):
    """The search engine of Brave, by API key."""

    def __init__(self, key: str, base_url: str = "https://api.search.brave.com", timeout: float = TIMEOUT) -> None:
        super().__init__("Brave", base_url, timeout)
        self._headers = {"x-subscription-token": key, "accept": "application/json"}

    async def search(self, query: str, count: int) -> Sequence[WebResult]:
        """Return at most `count` pages; Brave's limit is 20.

        Raises:
            WebSearchError.
        """
        params = {"q": query[:400], "count": str(min(count, 20))}
        answer = await self.ask("GET", "/res/v1/web/search", params=params, headers=self._headers)
        return results(answer, ["web", "results"], ("description", "age"), count, self.name)


class TavilySearch(SearchEngine):
    """Tavily, by API key."""

    def __init__(self, key: str, base_url: str = "https://api.tavily.com", timeout: float = TIMEOUT) -> None:
        super().__init__("Tavily", base_url, timeout)
        self._headers = {"authorization": f"Bearer {key}"}

    async def search(self, query: str, count: int) -> Sequence[WebResult]:
        """Return at most `count` pages; Tavily's limit is 20.

        Raises:
            WebSearchError.
        """
        body = {"query": query[:400], "max_results": min(count, 20)}
        answer = await self.ask("POST", "/search", headers=self._headers, body=body)
        return results(answer, ["results"], ("content", "published_date"), count, self.name)


class ExaSearch(SearchEngine):
    """Exa, by API key."""

    def __init__(self, key: str, base_url: str = "https://api.exa.ai", timeout: float = TIMEOUT) -> None:
        super().__init__("Exa", base_url, timeout)
        self._headers = {"x-api-key": key}

    async def search(self, query: str, count: int) -> Sequence[WebResult]:
        """Return at most `count` pages.

        Raises:
            WebSearchError.
        """
        body = {"query": query, "numResults": count, "contents": {"text": {"maxCharacters": SNIPPET}}}
        answer = await self.ask("POST", "/search", headers=self._headers, body=body)
        return results(answer, ["results"], ("text", "publishedDate"), count, self.name)

"""The engines, each against a server that answers as theirs does."""

import json
import threading
from collections.abc import Callable, Generator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from projectdavid.adapters.web_search.engines import BraveSearch, ExaSearch, SearXNG, TavilySearch
from projectdavid.ports.websearch import WebResult, WebSearchEngine, WebSearchError
from tests.fakes.sites import Answer, Asked, Site, site
from tests.timeouts import EVENT_TIMEOUT

pytestmark = pytest.mark.anyio

KEY = "key-0123456789abcdef"
JSON = {"content-type": "application/json"}
PAGES: list[dict[str, Any]] = [
    {"title": "The <b>Fjord</b> &amp; more", "url": "https://a.example/fjord", "text": "Deep\n water", "date": "2026"},
    {"title": None, "url": "https://b.example/", "text": None},
    {"title": "No page", "url": "javascript:alert(1)", "text": "x"},
    {"title": "Third", "url": "http://c.example/x?y=1", "text": "y" * 5000},
]


def renamed(snippet: str, date: str) -> list[dict[str, Any]]:
    """The pages, in the words of an engine."""
    names = {"text": snippet, "date": date}
    return [{names.get(name, name): value for name, value in page.items()} for page in PAGES]


class Case:
    """An engine: how it is made, the path that it asks, what it answers, and where its key and query are."""

    def __init__(self, make: Callable[..., WebSearchEngine], path: str, answer: Any, key: str | None) -> None:
        self.make = make
        self.path = path
        self.answer = answer
        self.key = key


CASES = {
    "searxng": Case(
        lambda url, **o: SearXNG(url, **o), "/search", {"results": renamed("content", "publishedDate")}, None
    ),
    "brave": Case(
        lambda url, **o: BraveSearch(KEY, url, **o),
        "/res/v1/web/search",
        {"web": {"results": renamed("description", "age")}},
        "x-subscription-token",
    ),
    "tavily": Case(
        lambda url, **o: TavilySearch(KEY, url, **o),
        "/search",
        {"results": renamed("content", "published_date")},
        "authorization",
    ),
    "exa": Case(
        lambda url, **o: ExaSearch(KEY, url, **o), "/search", {"results": renamed("text", "publishedDate")}, "x-api-key"
    ),
}


@pytest.fixture
def server() -> Generator[Site]:
    with site() as fake:
        yield fake


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


async def searched(case: Case, server: Site, count: int = 10) -> list[WebResult]:
    """What it finds."""
    engine = case.make(server.url)
    try:
        return list(await engine.search("deep fjords & more", count))
    finally:
        await engine.close()


def queried(asked: Asked) -> str:
    """The query of a request."""
    if asked.method == "GET":
        return parse_qs(urlsplit(asked.target).query)["q"][0]
    return json.loads(asked.body)["query"]


async def test_pages_are_found_as_the_engine_ranks_them(case: Case, server: Site) -> None:
    server.pages[case.path] = Answer(json.dumps(case.answer).encode(), headers=JSON)
    first, second, third = await searched(case, server)
    assert first == WebResult("The Fjord & more", "https://a.example/fjord", "Deep water", "2026")
    assert second == WebResult("https://b.example/", "https://b.example/")
    assert third.url == "http://c.example/x?y=1"
    assert len(third.snippet) == 1001
    [asked] = server.asked
    assert queried(asked) == "deep fjords & more"
    if case.key:
        assert KEY in asked.headers[case.key]


async def test_no_more_are_given_than_were_wanted(case: Case, server: Site) -> None:
    server.pages[case.path] = Answer(json.dumps(case.answer).encode(), headers=JSON)
    assert len(await searched(case, server, 1)) == 1


async def failed(case: Case, server: Site, **options: Any) -> WebSearchError:
    """How it fails."""
    engine = case.make(server.url, **options)
    with pytest.raises(WebSearchError) as caught:
        await engine.search("q", 5)
    await engine.close()
    assert KEY not in str(caught.value)
    assert caught.value.__cause__ is None
    return caught.value


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (401, "authentication_error"),
        (403, "authentication_error"),
        (404, "server_error"),
        (402, "rate_limit_exceeded"),
        (429, "rate_limit_exceeded"),
        (408, "timeout"),
        (500, "server_error"),
        (302, "server_error"),
    ],
)
async def test_a_refusal_is_said_in_our_words(case: Case, server: Site, status: int, code: str) -> None:
    server.pages[case.path] = Answer(KEY.encode(), status, {"location": "https://elsewhere.invalid/"})
    error = await failed(case, server)
    assert error.code == code
    assert str(status) in error.message


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b'{"results": 5, "web": 5}', b'{"web": {"results": "x"}, "results": {}}']
)
async def test_an_answer_that_is_no_list_of_pages_is_an_error(case: Case, server: Site, body: bytes) -> None:
    server.pages[case.path] = Answer(body, headers=JSON)
    assert (await failed(case, server)).code == "server_error"


async def test_an_answer_that_does_not_end_is_an_error(case: Case, server: Site) -> None:
    server.pages[case.path] = Answer((b"[" * 65_536 for _ in range(10_000)), headers=JSON)
    assert (await failed(case, server)).code == "server_error"


async def test_a_server_that_is_silent_is_not_waited_for(case: Case, server: Site) -> None:
    with site() as other:

        def silent(_: Asked) -> Answer:
            over.wait(EVENT_TIMEOUT)
            return Answer()

        over = threading.Event()
        other.pages[case.path] = silent
        assert (await failed(case, other, timeout=0.05)).code == "timeout"
        over.set()


async def test_a_server_that_is_not_there_is_an_error(case: Case) -> None:
    nowhere = Site()
    nowhere.url = "http://127.0.0.1:9"
    assert (await failed(case, nowhere)).code == "connection_error"

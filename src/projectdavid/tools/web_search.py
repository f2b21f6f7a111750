"""`web_search`: searches the web and reads pages for models."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from typing import Any

from projectdavid.engine.chunks import split_document
from projectdavid.engine.documents import Document
from projectdavid.ports.pages import WebPage
from projectdavid.ports.tool import ToolCall, ToolContext, ToolDescription, ToolError, ToolFunction, ToolOutput
from projectdavid.ports.websearch import WebSearchEngine as Engine
from projectdavid.ports.websearch import WebSearchError
from projectdavid.tools.step_renderers import render_web_search
from projectdavid.tools.untrusted import UntrustedFence
from projectdavid.tools.web_pages import PageReader

RESULTS = 5
MOST_RESULTS = 20
PART = 2000
"""Approximate tokens per part of a page."""
MATCHES = 20
AROUND = 200
"""Characters that are shown on each side of a match."""
LONGEST = {"query": 400, "pattern": 400, "url": 2048}
"""Maximum characters of the arguments."""
UNCONFIGURED = (
    "no search engine is configured. The operator must set SEARXNG_URL, BRAVE_API_KEY, TAVILY_API_KEY or EXA_API_KEY"
)
CITE = "Cite each page that a statement rests on as a Markdown link, [title](url), with exactly this URL."
URL = {"type": "string", "description": "The page's URL."}


def _function(name: str, description: str, required: Sequence[str], **properties: Mapping[str, Any]) -> ToolFunction:
    parameters = {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }
    return ToolFunction(name, description, parameters, effect="read")


FUNCTIONS = (
    _function(
        "perform_web_search",
        f"Search the web. Returns the title, the URL and a snippet of each page. {CITE}",
        ["query"],
        query={"type": "string", "description": "What to search for."},
        max_results={"type": "integer", "minimum": 1, "maximum": MOST_RESULTS},
    ),
    _function("read_web_page", f"Read a web page: its text, and the number of its parts. {CITE}", ["url"], url=URL),
    _function(
        "scroll_web_page",
        "Read another part of a long page.",
        ["url", "part"],
        url=URL,
        part={"type": "integer", "minimum": 1, "description": "The part, counted from 1."},
    ),
    _function(
        "search_web_page",
        "Find words in a page: each match with its context, and the part that contains it.",
        ["url", "pattern"],
        url=URL,
        pattern={"type": "string", "description": "The words, case-insensitive."},
    ),
)


class WebSearchTool:
    """Searches the web for models; without a search engine, it only reads pages."""

    description = ToolDescription(
        "web_search",
        render_web_search,
        has_citations=True,
        reserved_functions=frozenset({"web_search", *(function.name for function in FUNCTIONS)}),
    )

    def __init__(self, engine: Engine | None, reader: PageReader) -> None:
        self._engine = engine
        self._reader = reader

    def functions(self, entry: Mapping[str, Any]) -> Sequence[ToolFunction]:  # noqa: ARG002
        """Functions to search, open a page, continue reading, and find in a page."""
        return FUNCTIONS

    async def run(self, call: ToolCall, context: ToolContext) -> ToolOutput:  # noqa: ARG002
        """Run one call.

        Raises:
            ToolError: the arguments are invalid, the engine fails, or the page cannot be read.
        """
        given = _check_arguments(call)
        if call.name == "perform_web_search":
            return await self._search(given["query"], _number(given, "max_results", RESULTS, MOST_RESULTS))
        page = await self._reader.read(call.owner, given["url"])
        # In a thread: splitting a long page takes seconds.
        if call.name == "search_web_page":
            return _output(page, given["pattern"], await asyncio.to_thread(_matches, page, given["pattern"]))
        return _output(page, page.url, await asyncio.to_thread(_part, page, given))

    async def _search(self, query: str, count: int) -> ToolOutput:
        if self._engine is None:
            raise ToolError(UNCONFIGURED)
        try:
            found = await self._engine.search(query, count)
        except WebSearchError as error:
            raise ToolError(str(error)) from None
        fence = UntrustedFence()
        lines = [f"{len(found)} pages. {fence.saying('the pages and the search engine say')} {CITE}"]
        for result in found:
            date = f" ({result.published})" if result.published else ""
            lines += ["", result.url, fence.around(f"{result.title}{date}\n{result.snippet}".strip())]
        sources = [{"title": result.title, "url": result.url} for result in found]
        return ToolOutput("\n".join(lines), details={"input": query, "sources": sources})


def _check_arguments(call: ToolCall) -> Mapping[str, Any]:
    """Check the arguments of a call, and return them.

    Raises:
        ToolError: they do not match its function.
    """
    parameters = next(one.parameters for one in FUNCTIONS if one.name == call.name)
    for name in call.arguments:
        if name not in parameters["properties"]:
            raise ToolError(f"{call.name} accepts {', '.join(parameters['properties'])}, not '{name}'")
    for name in parameters["required"]:
        value = call.arguments.get(name)
        if name not in LONGEST:
            continue
        if not isinstance(value, str) or not value.strip():
            raise ToolError(f"{call.name} requires '{name}', a string")
        if len(value) > LONGEST[name]:
            raise ToolError(f"'{name}' has {len(value)} characters, but at most {LONGEST[name]} are allowed")
    return call.arguments


def _number(given: Mapping[str, Any], name: str, usual: int, most: int) -> int:
    value = given.get(name, usual)
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
        raise ToolError(f"'{name}' must be an integer between 1 and {most}")
    return value


def _parts(page: WebPage) -> list[str]:
    return [chunk.text for chunk in split_document(Document(page.text), PART, 0)]


def _part(page: WebPage, given: Mapping[str, Any]) -> list[str]:
    """Return a part of a page, by default the first."""
    parts = _parts(page)
    if not parts:
        return ["It contains no text."]
    number = _number(given, "part", 1, len(parts))
    fence = UntrustedFence()
    lines = [f"Part {number} of {len(parts)}. {fence.saying('the page says')} {CITE}"]
    if number < len(parts):
        lines.append(f"scroll_web_page with part {number + 1} continues; search_web_page finds words.")
    warnings = [f"[{warning}]" for warning in page.warnings]
    return [*lines, *warnings, "", fence.around(f"{page.title}\n\n{parts[number - 1]}")]


def _matches(page: WebPage, pattern: str) -> list[str]:
    """Return the matches of some words in a page."""
    fence = UntrustedFence()
    found: list[tuple[int, str]] = []
    for number, part in enumerate(_parts(page), 1):
        for match in re.finditer(re.escape(pattern.strip()), part, re.IGNORECASE):
            around = part[max(0, match.start() - AROUND) : match.end() + AROUND]
            found.append((number, " ".join(around.split())))
    if not found:
        return [f"'{pattern}' is not in the page."]
    more = f", of which the first {MATCHES} are shown" if len(found) > MATCHES else ""
    lines = [f"{len(found)} places{more}. {fence.saying('the page says')}"]
    for number, around in found[:MATCHES]:
        lines += ["", f"Part {number}:", fence.around(around)]
    return lines


def _output(page: WebPage, asked: str, lines: Sequence[str]) -> ToolOutput:
    sources = [{"title": page.title, "url": page.url}]
    return ToolOutput("\n".join([page.url, *lines]), details={"input": asked, "sources": sources})

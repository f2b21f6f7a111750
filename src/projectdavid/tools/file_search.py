"""`file_search`: searches the vector stores of the assistant and the thread; models cite the results."""

from collections.abc import Mapping, Sequence
from typing import Any

from projectdavid.engine.chunks import estimate
from projectdavid.engine.citations import render_mark, search_number
from projectdavid.engine.filters import InvalidFilter, check_filter
from projectdavid.ports.retrieval import FoundPassage, Retrieval, RetrievalQuery, RetrievalResult, RetrievalUnavailable
from projectdavid.ports.tool import ToolCall, ToolContext, ToolDescription, ToolError, ToolFunction, ToolOutput
from projectdavid.tools.step_renderers import render_file_search
from projectdavid.tools.untrusted import UntrustedFence

RESULTS = 8
"""Default number of results."""
MOST_RESULTS = 50
BUDGET = 16_000
"""Approximate tokens of the results of a call."""
LONGEST = 4096
"""Maximum characters of a query."""
DESCRIPTION = """\
Search the files that the user or the developer has attached, and get the passages that match the query best, each \
with its file and its position there. Search before answering questions that the files can answer; search again in \
other words if the passages do not answer it. Cite each passage that a statement rests on by its mark, such as \
【4:0†report.pdf】, copied exactly, right after the statement.\
"""
PARAMETERS: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "query": {"type": "string", "description": "What to look for, in words that such a passage would contain."},
        "max_results": {"type": "integer", "minimum": 1, "maximum": MOST_RESULTS},
        "filters": {
            "type": "object",
            "description": (
                "Only files whose attributes match: "
                '{"type": "eq" | "ne" | "gt" | "gte" | "lt" | "lte" | "in" | "nin", "key": "...", "value": ...}, or '
                '{"type": "and" | "or", "filters": [...]}. Omit it unless the attributes are known.'
            ),
        },
    },
    "required": ["query"],
    "additionalProperties": False,
}
NOTHING_THERE = "There are no files to search: neither the assistant nor the thread has a vector store."


class FileSearch:
    """Searches files for models."""

    description = ToolDescription(
        "file_search",
        render_file_search,
        has_citations=True,
        reserved_functions=frozenset({"file_search", "vector_store_search"}),
    )

    def __init__(self, retrieval: Retrieval) -> None:
        self._retrieval = retrieval

    def functions(self, entry: Mapping[str, Any]) -> Sequence[ToolFunction]:  # noqa: ARG002
        """The single function."""
        return [ToolFunction("file_search", DESCRIPTION, PARAMETERS, effect="read")]

    async def run(self, call: ToolCall, context: ToolContext) -> ToolOutput:
        """Search the vector stores.

        Raises:
            ToolError: the arguments are invalid, there is nothing to search, or the search fails.
        """
        wanted = _parse_query(call)
        stores = await context.stores()
        if not stores:
            raise ToolError(NOTHING_THERE)
        try:
            found = await self._retrieval.search(call.owner, stores, wanted)
        except RetrievalUnavailable as error:
            raise ToolError(str(error)) from None
        number = search_number(call.idempotency_key)
        passages = _within(BUDGET, found.passages)
        details: dict[str, Any] = {
            "input": wanted.text,
            "number": number,
            "mode": "hybrid" if found.semantic else "lexical",
            "results": [_result_details(passage) for passage in passages],
        }
        return ToolOutput(_render_results(number, passages, found), details=details)


def _parse_query(call: ToolCall) -> RetrievalQuery:
    """Parse the query of a call; `max_results` cannot exceed the assistant's setting.

    Raises:
        ToolError: it is invalid; the message says what was expected.
    """
    given = call.arguments
    if unknown := [name for name in given if name not in PARAMETERS["properties"]]:
        raise ToolError(f"file_search accepts 'query', 'max_results' and 'filters', not '{unknown[0]}'")
    query = given.get("query")
    if not isinstance(query, str) or not query.strip():
        raise ToolError('file_search expects {"query": "..."}, a string')
    if len(query) > LONGEST:
        raise ToolError(f"'query' has {len(query)} characters, but at most {LONGEST} are allowed")
    filters = given.get("filters") or None
    try:
        check_filter(filters, "filters") if filters is not None else None
    except InvalidFilter as error:
        raise ToolError(str(error)) from None
    options: Mapping[str, Any] = call.entry.get("file_search") or {}
    most = options.get("max_num_results") or MOST_RESULTS
    asked = given.get("max_results", min(RESULTS, most))
    if not isinstance(asked, int) or isinstance(asked, bool) or not 1 <= asked <= MOST_RESULTS:
        raise ToolError(f"'max_results' must be an integer between 1 and {MOST_RESULTS}")
    threshold = (options.get("ranking_options") or {}).get("score_threshold") or 0.0
    return RetrievalQuery(query, min(asked, most), threshold, filters)


def _within(budget: int, passages: Sequence[FoundPassage]) -> list[FoundPassage]:
    """Return the best passages within the token limit, at least one."""
    kept: list[FoundPassage] = []
    for passage in passages:
        budget -= estimate(passage.chunk.display_text)
        if kept and budget < 0:
            break
        kept.append(passage)
    return kept


def _render_results(number: int, passages: Sequence[FoundPassage], found: RetrievalResult) -> str:
    """Render the results for the model, between lines that no file content can imitate."""
    fence = UntrustedFence()
    lines = [f"Passages from the files, best first. {fence.saying('the files say')}"]
    if not passages:
        lines = ["Nothing was found. Other words may give results."]
    for index, passage in enumerate(passages):
        where = f"{render_mark(number, index, passage.filename)} {_place(passage)}, score {passage.score:.2f}"
        lines += ["", where, *_attributes(passage), fence.around(passage.chunk.display_text.replace("\f", "\n"))]
    return "\n".join([*lines, *(f"\n[{remark}]" for remark in found.remarks)])


def _place(passage: FoundPassage) -> str:
    chunk = passage.chunk
    lines = f"lines {chunk.first_line}-{chunk.last_line}"
    if chunk.first_page is None:
        return lines
    more = f"-{chunk.last_page}" if chunk.last_page != chunk.first_page else ""
    return f"page {chunk.first_page}{more}, {lines}"


def _attributes(passage: FoundPassage) -> list[str]:
    shown = ", ".join(f"{key}={value}" for key, value in passage.attributes.items())
    return [f"attributes: {' '.join(shown.split())}"] if shown else []


def _result_details(passage: FoundPassage) -> dict[str, Any]:
    """Return a result for the step and for citations."""
    chunk = passage.chunk
    return {
        "vector_store_id": passage.store_id,
        "file_id": passage.file_id,
        "filename": passage.filename,
        "score": passage.score,
        "text": chunk.text,
        "start": chunk.start,
        "first_line": chunk.first_line,
        "last_line": chunk.last_line,
        "first_page": chunk.first_page,
        "last_page": chunk.last_page,
        **({"attributes": dict(passage.attributes)} if passage.attributes else {}),
    }

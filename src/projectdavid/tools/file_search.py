"""`file_search`: models search the vector stores of their assistant and thread, and cite what they find."""

from collections.abc import Mapping, Sequence
from typing import Any

from projectdavid.engine.chunking import estimate
from projectdavid.engine.citations import mark, number_of
from projectdavid.engine.filters import WrongFilter, see_filter
from projectdavid.ports.retrieval import Found, Passage, Retrieval, RetrievalUnavailable, Wanted
from projectdavid.ports.tool import Context, ToolCall, ToolError, ToolFunction, ToolOutput
from projectdavid.tools.untrusted import Fence

RESULTS = 8
"""How many results there are at most, where nobody says otherwise."""
MOST_RESULTS = 50
BUDGET = 16_000
"""Tokens of the results of a call, roughly."""
LONGEST = 4096
"""Characters of a query."""
DESCRIPTION = """\
Search the files that the user or the developer has attached, and get the passages that say most about the query, each \
with its file and its place there. Search before answering what the files may know; search again in other words where \
the passages do not answer it. Cite each passage that a statement rests on by its mark, such as 【4:0†report.pdf】, \
copied exactly, right behind the statement.\
"""
PARAMETERS: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "query": {"type": "string", "description": "What to look for, in words that such a passage would have."},
        "max_results": {"type": "integer", "minimum": 1, "maximum": MOST_RESULTS},
        "filters": {
            "type": "object",
            "description": (
                "Only files whose attributes are like this: "
                '{"type": "eq" | "ne" | "gt" | "gte" | "lt" | "lte" | "in" | "nin", "key": "...", "value": ...}, or '
                '{"type": "and" | "or", "filters": [...]}. Leave it out unless the attributes are known.'
            ),
        },
    },
    "required": ["query"],
    "additionalProperties": False,
}
NOTHING_THERE = "There are no files to search: neither the assistant nor the thread has a vector store."


class FileSearch:
    """Searches files for models."""

    def __init__(self, retrieval: Retrieval) -> None:
        self._retrieval = retrieval

    def functions(self, entry: Mapping[str, Any]) -> Sequence[ToolFunction]:  # noqa: ARG002
        """The one function."""
        return [ToolFunction("file_search", DESCRIPTION, PARAMETERS, effect="read")]

    async def run(self, call: ToolCall, context: Context) -> ToolOutput:
        """Search.

        Raises:
            ToolError: the arguments are none, there is nothing to search, or it cannot be searched now.
        """
        wanted = _wanted(call)
        stores = await context.stores()
        if not stores:
            raise ToolError(NOTHING_THERE)
        try:
            found = await self._retrieval.search(call.owner, stores, wanted)
        except RetrievalUnavailable as error:
            raise ToolError(str(error)) from None
        number = number_of(call.idempotency_key)
        passages = _within(BUDGET, found.passages)
        details: dict[str, Any] = {
            "input": wanted.text,
            "number": number,
            "mode": "hybrid" if found.semantic else "lexical",
            "results": [_kept(passage) for passage in passages],
        }
        return ToolOutput(_told(number, passages, found), details=details)


def _wanted(call: ToolCall) -> Wanted:
    """What a call looks for: `max_results` within what the assistant's entry allows.

    Raises:
        ToolError: says what was expected.
    """
    given = call.arguments
    if unknown := [name for name in given if name not in PARAMETERS["properties"]]:
        raise ToolError(f"file_search takes 'query', 'max_results' and 'filters', not '{unknown[0]}'")
    query = given.get("query")
    if not isinstance(query, str) or not query.strip():
        raise ToolError('file_search takes {"query": "..."}, a text')
    if len(query) > LONGEST:
        raise ToolError(f"'query' has {len(query)} characters, and may have {LONGEST}")
    filters = given.get("filters") or None
    try:
        see_filter(filters, "filters") if filters is not None else None
    except WrongFilter as error:
        raise ToolError(str(error)) from None
    options: Mapping[str, Any] = call.entry.get("file_search") or {}
    most = options.get("max_num_results") or MOST_RESULTS
    asked = given.get("max_results", min(RESULTS, most))
    if not isinstance(asked, int) or isinstance(asked, bool) or not 1 <= asked <= MOST_RESULTS:
        raise ToolError(f"'max_results' is to be a whole number from 1 to {MOST_RESULTS}")
    threshold = (options.get("ranking_options") or {}).get("score_threshold") or 0.0
    return Wanted(query, min(asked, most), threshold, filters)


def _within(budget: int, passages: Sequence[Passage]) -> list[Passage]:
    """The best passages that fit, and always one."""
    kept: list[Passage] = []
    for passage in passages:
        budget -= estimate(passage.chunk.text)
        if kept and budget < 0:
            break
        kept.append(passage)
    return kept


def _told(number: int, passages: Sequence[Passage], found: Found) -> str:
    """The results as a model is told them: within lines that no text of a file can imitate."""
    fence = Fence()
    lines = [f"Passages from the files, the best first. {fence.saying('the files say')}"]
    if not passages:
        lines = ["Nothing was found. Other words may find more."]
    for index, passage in enumerate(passages):
        where = f"{mark(number, index, passage.filename)} {_place(passage)}, score {passage.score:.2f}"
        lines += ["", where, *_attributes(passage), fence.around(passage.chunk.text.replace("\f", "\n"))]
    return "\n".join([*lines, *(f"\n[{remark}]" for remark in found.remarks)])


def _place(passage: Passage) -> str:
    chunk = passage.chunk
    lines = f"lines {chunk.first_line}-{chunk.last_line}"
    if chunk.first_page is None:
        return lines
    more = f"-{chunk.last_page}" if chunk.last_page != chunk.first_page else ""
    return f"page {chunk.first_page}{more}, {lines}"


def _attributes(passage: Passage) -> list[str]:
    shown = ", ".join(f"{key}={value}" for key, value in passage.attributes.items())
    return [f"attributes: {' '.join(shown.split())}"] if shown else []


def _kept(passage: Passage) -> dict[str, Any]:
    """A result for the step, and for citations of it."""
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
    }

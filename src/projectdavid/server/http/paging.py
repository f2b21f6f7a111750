"""Pages: `limit`, `order` and `after` in, one list out."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Literal

from fastapi import Query
from pydantic import StringConstraints
from pydantic.json_schema import SkipJsonSchema

from projectdavid.ports.store import Row, Value, View
from projectdavid.server.http.errors import missing

PAGE_BYTES = 4 * 1024 * 1024
"""Bytes of rows in a page; a page has at least one object, however large."""
Limit = Annotated[int, Query(ge=1, le=100, description="How many.")]
ManyLimit = Annotated[int, Query(ge=1, le=1000, description="How many.")]
Order = Annotated[Literal["asc", "desc"], Query(description="Oldest or newest first.")]
Text = Annotated[str, StringConstraints(max_length=64)] | SkipJsonSchema[None]
"""May be left out; a query has no null."""
After = Annotated[Text, Query(description="The id behind which the page begins: `last_id` of the one before.")]


async def page(
    view: View,
    query: str,
    limit: int,
    order: str,
    after: str | None,
    known: Callable[[str], Awaitable[Any]],
    **params: Value,
) -> tuple[list[Row], bool]:
    """The rows of a page, and whether more follow: `limit` of them, or fewer if they are large.

    Raises:
        ApiError: 404, the cursor names nothing of this owner (`known` returns None for it).
    """
    if after is not None and await known(after) is None:
        raise missing("cursor", after, "after")
    rows, cut = await view.up_to(f"{query}.{order}", PAGE_BYTES, limit=limit + 1, after=after, **params)
    return rows[:limit], cut or len(rows) > limit

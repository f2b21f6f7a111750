"""Cursor pagination with `limit`, `order` and `after`."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Literal

from fastapi import Query
from pydantic import StringConstraints
from pydantic.json_schema import SkipJsonSchema

from projectdavid.api.http.errors import missing_error
from projectdavid.ports.rows import PositionRow
from projectdavid.ports.store import PageQuery, R, StoreView, Value

PAGE_BYTES = 4 * 1024 * 1024
"""Maximum bytes of rows in a page; a page has at least one object, whatever its size."""
Limit = Annotated[int, Query(ge=1, le=100, description="How many.")]
ManyLimit = Annotated[int, Query(ge=1, le=1000, description="How many.")]
Order = Annotated[Literal["asc", "desc"], Query(description="Oldest or newest first.")]
Text = Annotated[str, StringConstraints(max_length=64)] | SkipJsonSchema[None]
"""Optional query parameter; queries have no null."""
After = Annotated[
    Text, Query(description="The id after which the page begins: `last_id` of the page before, also if deleted since.")
]
Locate = Callable[[str], Awaitable[PositionRow | None]]
"""Finds the `position` of an object in a list by its id, even if deleted; None if it was never there."""


async def page(
    view: StoreView, query: PageQuery[R], limit: int, order: str, after: str | None, locate: Locate, **params: Value
) -> tuple[list[R], bool]:
    """Return up to `limit` rows (fewer if they are large), and whether more follow.

    Raises:
        ApiError: 404, the cursor was never in this list.
    """
    position = None if after is None else await find_position(locate, after, "after")
    return await page_after(view, query, limit, order, position, **params)


async def page_after(
    view: StoreView, query: PageQuery[R], limit: int, order: str, after: int | None, **params: Value
) -> tuple[list[R], bool]:
    """Return the page after a position, like `page`."""
    rows, cut = await view.up_to(query.ordered(order), PAGE_BYTES, limit=limit + 1, after=after, **params)
    return rows[:limit], cut or len(rows) > limit


async def find_position(locate: Locate, cursor: str, param: str) -> int:
    """Return the position of a cursor, the parameter `param` of the request.

    Raises:
        ApiError: 404, it was never in this list.
    """
    row = await locate(cursor)
    if row is None:
        raise missing_error("cursor", cursor, param)
    return row.position

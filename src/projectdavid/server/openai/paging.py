"""Pages of the dialect: `limit`, `order`, `after` and `before` in, one list out."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import Query

from projectdavid.ports.store import Row, Value, View
from projectdavid.server.http import paging
from projectdavid.server.http.errors import missing
from projectdavid.server.http.paging import After, Limit, Order, Text

__all__ = ["After", "Before", "Limit", "Order", "Paging", "page"]

Before = Annotated[Text, Query(description="The id in front of which the page ends: `first_id` of the one behind.")]
Paging = tuple[int, str, str | None, str | None]
"""`limit`, `order`, `after` and `before`."""
CONTRARY = {"asc": "desc", "desc": "asc"}


async def page(
    view: View, query: str, asked: Paging, known: Callable[[str], Awaitable[Any]], key: str = "id", **params: Value
) -> tuple[list[Row], bool]:
    """The rows of a page, and whether there are more in the direction in which it was asked for.

    `key` is the column that cursors name.

    Raises:
        ApiError: 404, a cursor names nothing that there is (`known` returns None for it).
    """
    limit, order, after, before = asked
    if before is None:
        return await paging.page(view, query, limit, order, after, known, **params)
    if await known(before) is None:
        raise missing("cursor", before, "before")
    if after is None:
        rows, more = await paging.page(view, query, limit, CONTRARY[order], before, known, **params)
        return rows[::-1], more
    rows, more = await paging.page(view, query, limit, order, after, known, **params)
    end = next((index for index, row in enumerate(rows) if getattr(row, key) == before), None)
    return (rows, more) if end is None else (rows[:end], False)

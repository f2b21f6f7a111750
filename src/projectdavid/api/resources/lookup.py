"""Lookup of an owner's objects."""

from projectdavid.api.http.errors import missing_error
from projectdavid.ports.store import R, RowQuery, StoreView


async def find(view: StoreView, query: RowQuery[R], object_id: str, param: str | None = None) -> R:
    """Return the row of an owner's object; the query has the name of its kind.

    `param` is the field of the request with its id, if not the path.

    Raises:
        ApiError: 404.
    """
    row = await view.one(query, id=object_id)
    if row is None:
        raise missing_error(query.name, object_id, param)
    return row

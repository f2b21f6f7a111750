"""Finding an owner's objects."""

from projectdavid.ports.store import Row, View
from projectdavid.server.http.errors import missing

QUERIES = {"vector_store": "store"}
"""What a kind's query is called by, where that is not its name."""


async def find(view: View, kind: str, object_id: str, param: str | None = None) -> Row:
    """The row of an object of an owner; `param` is what the request calls its id, where that is not its path.

    Raises:
        ApiError: 404.
    """
    row = await view.one(QUERIES.get(kind, kind), id=object_id)
    if row is None:
        raise missing(kind, object_id, param)
    return row

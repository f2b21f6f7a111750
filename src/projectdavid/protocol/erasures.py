"""Reports on the erasure of a user."""

from typing import Literal

from projectdavid.protocol.base import Answer


class Erasure(Answer):
    """Progress of the erasure of a user. `left` counts up to 1000 rows of each kind."""

    id: str
    object: Literal["erasure"] = "erasure"
    user_id: str | None = None
    """The deleted user; null when nothing is left."""
    status: Literal["in_progress", "completed"]
    requested_at: str
    completed_at: str | None = None
    deleted: dict[str, int]
    """Deleted rows, by kind."""
    left: dict[str, int]
    """Rows that remain, by kind."""
    blobs_left: int
    """Deleted files of all users whose bytes are still on the disk."""
    index_files_left: int
    """Deleted files of all users that are still in the search index."""
    out_of_reach: list[str]
    """Data that the server cannot erase."""

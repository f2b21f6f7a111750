"""Erasures: reports of the deletion of a user."""

from typing import Literal

from projectdavid.protocol.base import Answer


class Erasure(Answer):
    """How far the deletion of a user is. `left` counts up to 1000 rows of each kind."""

    id: str
    object: Literal["erasure"] = "erasure"
    user_id: str | None = None
    """The deleted user; null once nothing is left."""
    status: Literal["in_progress", "completed"]
    requested_at: str
    completed_at: str | None = None
    deleted: dict[str, int]
    """Rows that were deleted, by kind."""
    left: dict[str, int]
    """Rows that are not deleted yet, by kind."""
    blobs_left: int
    """Deleted files of all users whose bytes are still on the disk."""
    index_files_left: int
    """Deleted files of all users that the search index has not forgotten yet."""
    out_of_reach: list[str]
    """What the server cannot erase."""

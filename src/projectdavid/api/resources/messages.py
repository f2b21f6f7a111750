"""Stored messages."""

from projectdavid.ports import queries
from projectdavid.ports.store import Op, RowMissing, Value


def message_op(thread_id: str, **fields: Value) -> Op:
    """Return the operation that adds a message to a thread; omitted fields are null.

    `content` is JSON: text, or blocks; so are `meta_data` and `attachments`.
    """
    empty: dict[str, Value] = dict.fromkeys(("assistant_id", "meta_data", "attachments"))
    return Op(
        queries.MESSAGE_INSERT, {"thread_id": thread_id, **empty, **fields}, missing=RowMissing("thread", thread_id)
    )

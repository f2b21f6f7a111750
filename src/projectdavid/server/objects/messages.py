"""Messages as they are stored."""

from projectdavid.ports.store import Missing, Op, Value


def message_op(thread_id: str, **fields: Value) -> Op:
    """What adds a message to a thread; fields that are left out are null.

    `content` is JSON: text, or blocks; so are `meta_data` and `attachments`.
    """
    empty: dict[str, Value] = dict.fromkeys(("assistant_id", "meta_data", "attachments"))
    return Op("message_insert", {"thread_id": thread_id, **empty, **fields}, missing=Missing("thread", thread_id))

"""The filter of lists of runs by status, as queries take it."""

from collections.abc import Sequence

from projectdavid.api.resources.stored_fields import to_json
from projectdavid.engine.run import RunStatus
from projectdavid.protocol.statuses import StatusName, status_from_wire

ANY_STATUS = to_json([str(status) for status in RunStatus])
"""All statuses, as a JSON array."""


def statuses_to_query(statuses: Sequence[StatusName] | None) -> str:
    """Return the statuses of a filter, by default all, as a JSON array."""
    return ANY_STATUS if statuses is None else to_json([status_from_wire(status) for status in statuses])

"""How often each owner may ask: a bucket of requests for each, in memory."""

from collections import OrderedDict

from projectdavid.runtime.quota import Exceeded

MOST = 10_000
"""Owners that are remembered; whoever asked longest ago is forgotten first, and begins with a full bucket again."""


class Rates:
    """Buckets that are full at first, and fill again evenly over a minute; each request takes one out."""

    def __init__(self) -> None:
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, owner: str, per_minute: int, now: float) -> None:
        """Take a request out of an owner's bucket.

        Raises:
            Exceeded: it is empty.
        """
        left, since = self._buckets.pop(owner, (float(per_minute), now))
        left = min(left + max(now - since, 0.0) * per_minute / 60, float(per_minute))
        allowed = left > 1 - 1e-6  # sums of small parts fall short of the whole
        self._buckets[owner] = (left - allowed, now)
        if len(self._buckets) > MOST:
            self._buckets.popitem(last=False)
        if not allowed:
            message = f"You may send {per_minute} requests per minute, and have sent them."
            raise Exceeded("requests_per_minute_exceeded", message, (1 - left) * 60 / per_minute)

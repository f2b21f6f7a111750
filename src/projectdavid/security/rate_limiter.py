"""Rate limits per owner: in-memory token buckets."""

from collections import OrderedDict

from projectdavid.runtime.quota import LimitExceeded

MOST = 10_000
"""Maximum number of buckets; the least recently used one is evicted, and starts full again."""


class RateLimiter:
    """Token buckets that start full and refill evenly over a minute; each request takes one token."""

    def __init__(self) -> None:
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, owner: str, per_minute: int, now: float) -> None:
        """Take one token from an owner's bucket.

        Raises:
            LimitExceeded: the bucket is empty.
        """
        left, since = self._buckets.pop(owner, (float(per_minute), now))
        left = min(left + max(now - since, 0.0) * per_minute / 60, float(per_minute))
        allowed = left > 1 - 1e-6  # tolerate rounding errors of repeated additions
        self._buckets[owner] = (left - allowed, now)
        if len(self._buckets) > MOST:
            self._buckets.popitem(last=False)
        if not allowed:
            message = f"Rate limit reached: {per_minute} requests per minute. Retry later."
            raise LimitExceeded("requests_per_minute_exceeded", message, (1 - left) * 60 / per_minute)

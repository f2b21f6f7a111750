"""The retry policy: whether to retry, and after which pause. It decides, and never waits itself."""

import time
from dataclasses import dataclass, fields
from random import SystemRandom

from projectdavid.client.errors import APIConnectionError, APIStatusError, APITimeoutError, InvalidInputError

RETRYABLE_STATUSES = frozenset({408, 429, 500, 502, 503, 504})
MAX_RETRY_AFTER = 60.0

_RANDOM = SystemRandom()


@dataclass(frozen=True, slots=True)
class Retry:
    """The retry policy of the SDK.

    Requests are retried after a broken connection and after 408, 429, 500, 502, 503 and 504, unless the server asks for
    a pause of more than a minute. Each POST has an idempotency key, so retries take effect once.
    """

    max_retries: int = 2
    """How often one request is retried."""
    base_delay: float = 0.5
    """Seconds before the first retry; doubled for each further one, minus a random jitter of up to half."""
    max_delay: float = 8.0
    """The longest pause in seconds, unless the server asks for another (at most 60 seconds)."""
    max_reconnects: int = 10
    """How many times in a row a stream reconnects without receiving an event."""

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            InvalidInputError: one of them is not a number.
        """
        for one in fields(self):
            if not isinstance(getattr(self, one.name), (int, float)):
                raise InvalidInputError(f"{one.name} must be a number, not {getattr(self, one.name)!r}")

    def pause(self, attempt: int, failure: APIConnectionError | APIStatusError) -> float | None:
        """Return the seconds to wait before the retry after failure number `attempt` (from 0); None: do not retry."""
        if attempt >= self.max_retries or not is_passing(failure) or _wants_long(failure):
            return None
        return self.delay(attempt, failure)

    def delay(self, attempt: int, failure: Exception) -> float:
        """Return the seconds of pause number `attempt` (from 0): as the server asks, or growing exponentially."""
        if isinstance(failure, APIStatusError) and failure.retry_after is not None:
            return min(max(failure.retry_after, 0.0), MAX_RETRY_AFTER)
        longest = min(self.base_delay * 2 ** min(attempt, 30), self.max_delay)
        return longest * _RANDOM.uniform(0.5, 1.0)


def is_passing(failure: APIConnectionError | APIStatusError) -> bool:
    """Return True if a retry can succeed after this response."""
    return isinstance(failure, APIConnectionError) or failure.status_code in RETRYABLE_STATUSES


def _wants_long(failure: APIConnectionError | APIStatusError) -> bool:
    """Return True if the server asks for a pause too long to wait, for example because of a daily limit."""
    return isinstance(failure, APIStatusError) and (failure.retry_after or 0.0) > MAX_RETRY_AFTER


class Deadline:
    """A time limit."""

    def __init__(self, seconds: float | None, what: str) -> None:
        self._seconds = seconds
        self._end = None if seconds is None else time.monotonic() + seconds
        self._what = what

    def shorten(self, seconds: float | None) -> float | None:
        """Return the smaller of `seconds` and the remaining time; None: unlimited.

        Raises:
            APITimeoutError: no time remains.
        """
        if self._end is None:
            return seconds
        left = self._end - time.monotonic()
        if left <= 0:
            raise APITimeoutError(f"{self._what} took longer than {self._seconds:g} s")
        return left if seconds is None else min(seconds, left)

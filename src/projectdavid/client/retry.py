"""When to ask again, after which pause, and when to give up: decisions, without waiting."""

import time
from dataclasses import dataclass
from random import SystemRandom

from projectdavid.client.errors import APIConnectionError, APIStatusError, APITimeoutError

RETRYABLE_STATUSES = frozenset({408, 429, 500, 502, 503, 504})
MAX_RETRY_AFTER = 60.0

_RANDOM = SystemRandom()


@dataclass(frozen=True, slots=True)
class Retry:
    """How patient the SDK is.

    Every request is repeated after a broken connection and after 408, 429, 500, 502, 503 and 504, unless the server
    wants a pause of more than a minute. A POST has a key by which the server knows it again, so that it happens once
    however often it is repeated.
    """

    max_retries: int = 2
    """How often one request is repeated."""
    base_delay: float = 0.5
    """Seconds before the first repetition; doubled for each further one, less up to half of it by chance."""
    max_delay: float = 8.0
    """The longest pause in seconds, where the server does not ask for another (of at most 60 seconds)."""
    max_reconnects: int = 10
    """How often in a row a stream is reopened without any event coming of it."""

    def pause(self, attempt: int, failure: APIConnectionError | APIStatusError) -> float | None:
        """Seconds to wait before the request is repeated after its failure number `attempt` (from 0); None: do not."""
        if attempt >= self.max_retries or not is_passing(failure) or _wants_long(failure):
            return None
        return self.delay(attempt, failure)

    def delay(self, attempt: int, failure: Exception) -> float:
        """Seconds of pause number `attempt` (from 0): as long as the server asked for, or growing."""
        if isinstance(failure, APIStatusError) and failure.retry_after is not None:
            return min(max(failure.retry_after, 0.0), MAX_RETRY_AFTER)
        longest = min(self.base_delay * 2 ** min(attempt, 30), self.max_delay)
        return longest * _RANDOM.uniform(0.5, 1.0)


def is_passing(failure: APIConnectionError | APIStatusError) -> bool:
    """Whether what was refused like this may be had later."""
    return isinstance(failure, APIConnectionError) or failure.status_code in RETRYABLE_STATUSES


def _wants_long(failure: APIConnectionError | APIStatusError) -> bool:
    """Whether the server wants a longer pause than anybody waits for: a daily limit, for example."""
    return isinstance(failure, APIStatusError) and (failure.retry_after or 0.0) > MAX_RETRY_AFTER


class Deadline:
    """A moment after which nobody waits any longer."""

    def __init__(self, seconds: float | None, what: str) -> None:
        self._seconds = seconds
        self._end = None if seconds is None else time.monotonic() + seconds
        self._what = what

    def shorten(self, seconds: float | None) -> float | None:
        """The smaller of `seconds` and the time that is left; None: unlimited.

        Raises:
            APITimeoutError: nothing is left.
        """
        if self._end is None:
            return seconds
        left = self._end - time.monotonic()
        if left <= 0:
            raise APITimeoutError(f"{self._what} took longer than {self._seconds:g} s")
        return left if seconds is None else min(seconds, left)

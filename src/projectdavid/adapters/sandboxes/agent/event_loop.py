"""The agent's event loop."""

import os
import select
import signal
from collections.abc import Callable, Iterable

Interest = tuple[int, int, Callable[[int], None]]
"""A file descriptor, the events of `poll` to wait for, and the callback that receives them."""


class ChildSignal:
    """Wakes the loop when a child has ended: a signal alone could arrive between two polls."""

    def __init__(self) -> None:
        self._read_fd, self._write_fd = os.pipe()
        os.set_blocking(self._read_fd, False)
        os.set_blocking(self._write_fd, False)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        signal.set_wakeup_fd(self._write_fd, warn_on_full_buffer=False)

    def interest(self) -> Interest:
        """What the loop waits for."""
        return self._read_fd, select.POLLIN, self._heard

    def _heard(self, _events: int) -> None:
        os.read(self._read_fd, 4096)


def wait(interests: Iterable[Interest], seconds: float | None) -> None:
    """Wait up to `seconds` for events, and call the callbacks."""
    poll = select.poll()
    calls: dict[int, Callable[[int], None]] = {}
    for fd, events, call in interests:
        poll.register(fd, events)
        calls[fd] = call
    for fd, events in poll.poll(None if seconds is None else max(0.0, seconds) * 1000):
        calls[fd](events)

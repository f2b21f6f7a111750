"""How long tests wait for an event before they give up.

Nothing that works takes so long, even on a machine ten times slower: these only end a test whose event never comes.
`TEST_TIMEOUT_SCALE` multiplies them; with 0.1, a hang is reported sooner while you work on a test.
"""

import os
import threading
import time
from collections.abc import Callable

_SCALE = float(os.environ.get("TEST_TIMEOUT_SCALE", "1"))
EVENT_TIMEOUT = 300.0 * _SCALE
"""Seconds for one event: a line of output, an answer, the end of a task."""
PROCESS_TIMEOUT = 900.0 * _SCALE
"""Seconds for a whole program."""
PAUSE = 0.01
"""Seconds between two looks at something that announces nothing."""


def wait_until(holds: Callable[[], object]) -> None:
    """Wait until something holds that can only be looked at: files, processes, another server's answers."""
    deadline, pause = time.monotonic() + EVENT_TIMEOUT, threading.Event()
    while not holds():
        assert time.monotonic() < deadline, f"It did not happen within {EVENT_TIMEOUT:g} seconds."
        pause.wait(PAUSE)

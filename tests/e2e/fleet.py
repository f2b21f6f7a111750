"""Several processes over one PostgreSQL database: some answer requests, some work."""

import os
import random
import signal
import threading
from collections.abc import Callable

from tests.e2e.conftest import Starting
from tests.e2e.processes import PATIENCE, Server

LEASE = 5
"""Seconds after which another worker takes over."""


class Fleet:
    """Two processes that answer requests and two that work; for callers it is a server.

    `choose` selects the process to kill.
    """

    def __init__(self, starting: Starting, url: str, choose: Callable[[list[Server]], Server] = random.choice) -> None:
        shared = {"database_url": url, "lease_seconds": LEASE, "sandbox": "off", "public_url": "http://fleet.example"}
        self.apis = [starting(wait=True, role="api", **shared) for _ in range(2)]
        self.workers = [starting(wait=True, role="worker", **shared) for _ in range(2)]
        self._choose = choose
        self._victim = self.apis[0]
        self._next = 0
        self._lock = threading.Lock()
        for server in (*self.apis, *self.workers):
            server.start()

    @property
    def key(self) -> str:
        """The key of the first user."""
        return self.apis[0].key

    @property
    def starts(self) -> int:
        """Number of starts of all processes."""
        return sum(server.starts for server in (*self.apis, *self.workers))

    def url(self) -> str:
        """The address of a process that answers requests: another one at each call, as behind a balancer."""
        with self._lock:
            self._next += 1
            up = [server for server in self.apis if server.is_up] or self.apis
        return up[self._next % len(up)].url()

    def kill(self) -> None:
        """Kill one process."""
        self._victim = self._choose([*self.apis, *self.workers])
        self._victim.kill()

    def ended(self) -> int:
        """Wait until the killed process is gone; returns its exit code."""
        return self._victim.ended()

    def start(self) -> None:
        """Start the killed process again."""
        self._victim.start()

    def logged(self) -> str:
        """What the processes had to complain of."""
        return "".join(server.logged() for server in (*self.apis, *self.workers))


def freeze(server: Server) -> None:
    """Stop a process where it is."""
    os.kill(server.pid, signal.SIGSTOP)


def thaw(server: Server) -> None:
    """Let it continue."""
    os.kill(server.pid, signal.SIGCONT)


__all__ = ["LEASE", "PATIENCE", "Fleet", "freeze", "thaw"]

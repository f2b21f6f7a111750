"""An event loop whose time stands still while anything can be done, and then jumps to the next timer."""

import asyncio
from collections.abc import Callable
from typing import Any


class Standstill(Exception):
    """Nothing can happen any more, and somebody still waits."""


class _NoSelector:
    """Lets the loop's time jump where a real one would wait for the network."""

    def __init__(self, jump: Callable[[float], None]) -> None:
        self._jump = jump

    def select(self, timeout: float | None) -> list[Any]:
        if timeout is None:
            raise Standstill
        if timeout > 0:
            self._jump(timeout)
        return []

    def close(self) -> None:
        pass


class VirtualLoop(asyncio.BaseEventLoop):
    """Runs the same tasks in the same order, whenever and wherever it runs them."""

    def __init__(self) -> None:
        super().__init__()
        self._now = 0.0
        self._selector = _NoSelector(self._pass)
        self.set_exception_handler(lambda *_: None)  # who dies is asked by nobody what of

    def time(self) -> float:
        return self._now

    def _pass(self, seconds: float) -> None:
        self._now += seconds

    def _process_events(self, event_list: list[Any]) -> None:
        pass

    def _write_to_self(self) -> None:
        pass

"""The bus inside one process."""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager


class _Ear:
    def __init__(self) -> None:
        self._said = False
        self._waiter: asyncio.Future[None] | None = None

    def tell(self) -> None:
        self._said = True
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def wait(self, seconds: float) -> bool:
        # By hand: a timeout around an event costs several times this, and every reader waits for every commit.
        if not self._said:
            loop = asyncio.get_running_loop()
            self._waiter = loop.create_future()
            timer = loop.call_later(seconds, self._wake)
            try:
                await self._waiter
            finally:
                timer.cancel()
                self._waiter = None
        said, self._said = self._said, False
        return said


class LocalBus:
    """Wakes listeners in the same event loop."""

    def __init__(self) -> None:
        self._ears: dict[str, dict[_Ear, None]] = {}  # in the order in which they came

    def publish(self, topic: str) -> None:
        """Tell everyone who listens to `topic` to look again."""
        for ear in self._ears.get(topic, ()):
            ear.tell()

    @contextmanager
    def subscribe(self, topic: str) -> Generator[_Ear]:
        """Listen to `topic` until the context ends."""
        ear = _Ear()
        self._ears.setdefault(topic, {})[ear] = None
        try:
            yield ear
        finally:
            ears = self._ears[topic]
            del ears[ear]
            if not ears:
                del self._ears[topic]

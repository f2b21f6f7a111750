"""The bus inside one process."""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager


class _Ear:
    def __init__(self) -> None:
        self._said = asyncio.Event()

    def tell(self) -> None:
        self._said.set()

    async def wait(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._said.wait()
        except TimeoutError:
            return False
        self._said.clear()
        return True


class LocalBus:
    """Wakes listeners in the same event loop."""

    def __init__(self) -> None:
        self._ears: dict[str, set[_Ear]] = {}

    def publish(self, topic: str) -> None:
        """Tell everyone who listens to `topic` to look again."""
        for ear in self._ears.get(topic, ()):
            ear.tell()

    @contextmanager
    def subscribe(self, topic: str) -> Generator[_Ear]:
        """Listen to `topic` until the context ends."""
        ear = _Ear()
        self._ears.setdefault(topic, set()).add(ear)
        try:
            yield ear
        finally:
            ears = self._ears[topic]
            ears.discard(ear)
            if not ears:
                del self._ears[topic]

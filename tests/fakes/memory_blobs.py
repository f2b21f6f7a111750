"""Bytes under keys, in memory: what tests of those who keep files need of a blob store."""

from collections.abc import AsyncGenerator, AsyncIterable
from hashlib import sha256

from projectdavid.ports.blobs import Blob, BlobGone, BlobsUnavailable, BlobTooLarge, NoRoom
from projectdavid.runtime.tool_calls.call_context import FileOutput

HEAD = 64


class MemoryBlobs:
    """A blob store that forgets with its process; `full` lets it refuse to write, `down` to read."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}
        self.trash: dict[str, bytes] = {}
        self.full = False
        self.down = False
        self._count = 0

    async def put(self, chunks: AsyncIterable[bytes], limit: int) -> Blob:
        content = b""
        async for chunk in chunks:
            content += chunk
            if len(content) > limit:
                raise BlobTooLarge(limit)
        if self.full:
            raise NoRoom
        self._count += 1
        key = f"blob_{self._count}"
        self.kept[key] = content
        return Blob(key, len(content), sha256(content).hexdigest(), content[:HEAD])

    async def read(self, key: str, start: int = 0, end: int | None = None) -> AsyncGenerator[bytes]:
        if self.down:
            raise BlobsUnavailable("the service is down")
        if key not in self.kept:
            raise BlobGone(key)
        yield self.kept[key][start:end]

    async def delete(self, keys: list[str]) -> None:
        for key in keys:
            self.kept.pop(key, None)

    async def discard(self, keys: list[str]) -> None:
        self.trash |= {key: self.kept.pop(key) for key in keys if key in self.kept}

    async def restore(self, keys: list[str]) -> None:
        self.kept |= {key: self.trash.pop(key) for key in keys if key in self.trash}

    async def find_discarded(self, seconds: float = 0) -> list[str]:
        return list(self.trash)

    async def older_than(self, seconds: float) -> list[str]:
        return list(self.kept)


def file_output(blobs: MemoryBlobs, most: int = 1000) -> FileOutput:
    """File output in memory, for small files."""
    return FileOutput(blobs, lambda file_id: f"https://files.example/{file_id}", most)

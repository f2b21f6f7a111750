"""Files in and out of a session: one question at a time, one answer to each."""

import asyncio
from collections.abc import AsyncIterable
from typing import TypeVar

import msgspec

from projectdavid.ports.sandbox import Chunks, FileInfo, Listing, Refused
from projectdavid.sandboxes.agent import files
from projectdavid.sandboxes.agent.frames import PIECE, Malformed
from projectdavid.sandboxes.link import LIAR, SILENT, Link
from projectdavid.sandboxes.wire import AnySaid, Data, Declined, Files, Listed, Opened, Stored

_REASON = 200
"""Characters of a reason that are believed."""
_FILES = msgspec.json.Decoder(Files)
_S = TypeVar("_S", Stored, Opened, Data, Listed)


class Transfers:
    """The asking side. Whoever asks holds the turn of the session."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._answer: asyncio.Future[tuple[AnySaid, bytes]] | None = None

    async def put(self, name: str, size: int, chunks: AsyncIterable[bytes]) -> None:
        """Write a file; see the socket."""
        self._link.check()
        _check(name)
        await self._link.send("put", name=name, size=size)
        try:
            async for chunk in chunks:
                for start in range(0, len(chunk), PIECE):
                    await self._link.send("piece", chunk[start : start + PIECE])
                    self._link.check()
        except BaseException:
            if not self._link.lost:
                await self._ask("abort", name, Stored)
            raise
        await self._ask("commit", name, Stored)

    async def get(self, name: str) -> Chunks:
        """Read a file; see the socket."""
        self._link.check()
        _check(name)
        said, _ = await self._ask("get", name, Opened, name=name)
        left = said.size
        try:
            # No more than it said at first: a file that grows while it is read has no end.
            while left > 0:
                _, data = await self._ask("read", name, Data)
                if not data:
                    break
                data = data[:left]
                left -= len(data)
                yield data
        finally:
            if not self._link.lost:
                await self._link.send("shut")

    async def list(self) -> Listing:
        """The files; see the socket."""
        said, body = await self._ask("list", "", Listed)
        try:
            found = _FILES.decode(body)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            await self._link.lose(LIAR)
            raise self._link.why() from None
        return Listing(tuple(FileInfo(*one) for one in found), said.complete)

    def answered(self, said: AnySaid, body: bytes) -> None:
        """The agent answers.

        Raises:
            Malformed: nobody has asked.
        """
        if self._answer is None or self._answer.done():
            raise Malformed("nothing was asked")
        self._answer.set_result((said, body))

    def lost(self) -> None:
        """There will be no answer."""
        if self._answer is not None:
            self._answer.cancel()

    async def _ask(self, kind: str, about: str, expected: type[_S], /, **fields: object) -> tuple[_S, bytes]:
        if self._answer is not None:
            # Whoever asked before may have been cancelled; the answer comes all the same.
            await asyncio.wait({self._answer}, timeout=self._link.answer)
        self._link.check()
        answer = self._answer = asyncio.get_running_loop().create_future()
        await self._link.send(kind, b"", **fields)
        await asyncio.wait({answer}, timeout=self._link.answer)
        if not answer.done():
            await self._link.lose(SILENT)
        self._link.check()
        said, body = answer.result()
        if isinstance(said, Declined):
            raise Refused(about, body.decode("utf-8", "replace")[:_REASON])
        if not isinstance(said, expected):
            await self._link.lose(LIAR)
            raise self._link.why()
        return said, body


def _check(name: str) -> None:
    """Refuse a name at once that the agent would refuse."""
    try:
        files.parts_of(name)
    except files.Refused as refused:
        raise Refused(name, str(refused)) from None

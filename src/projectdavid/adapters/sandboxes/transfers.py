"""File transfers in and out of a session: one request and one answer at a time."""

import asyncio
from collections.abc import AsyncIterable
from typing import TypeVar

import msgspec

from projectdavid.adapters.sandboxes.agent import files
from projectdavid.adapters.sandboxes.agent.frames import PIECE, MalformedFrame
from projectdavid.adapters.sandboxes.link import LIAR, SILENT, AgentLink
from projectdavid.adapters.sandboxes.wire import (
    AnySaid,
    DataFrame,
    Files,
    ListingFrame,
    OpenedFrame,
    RejectionFrame,
    StoredFrame,
)
from projectdavid.ports.sandbox import Chunks, FileInfo, FileListing, SandboxFileRefused

_REASON = 200
"""Maximum characters of a reason from the agent."""
_FILES = msgspec.json.Decoder(Files)
_S = TypeVar("_S", StoredFrame, OpenedFrame, DataFrame, ListingFrame)


class FileTransfers:
    """The requesting side. Callers hold the turn of the session."""

    def __init__(self, link: AgentLink) -> None:
        self._link = link
        self._answer: asyncio.Future[tuple[AnySaid, bytes]] | None = None

    async def put(self, name: str, size: int, chunks: AsyncIterable[bytes]) -> None:
        """Write a file; see the port."""
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
                await self._ask("abort", name, StoredFrame)
            raise
        await self._ask("commit", name, StoredFrame)

    async def get(self, name: str) -> Chunks:
        """Read a file; see the port."""
        self._link.check()
        _check(name)
        said, _ = await self._ask("get", name, OpenedFrame, name=name)
        left = said.size
        try:
            # Not more than its size at the start: a file that grows while it is read has no end.
            while left > 0:
                _, data = await self._ask("read", name, DataFrame)
                if not data:
                    break
                data = data[:left]
                left -= len(data)
                yield data
        finally:
            if not self._link.lost:
                await self._link.send("shut")

    async def list(self) -> FileListing:
        """List the files; see the port."""
        said, body = await self._ask("list", "", ListingFrame)
        try:
            found = _FILES.decode(body)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            await self._link.lose(LIAR)
            raise self._link.why() from None
        return FileListing(tuple(FileInfo(*one) for one in found), said.complete)

    def on_answer(self, said: AnySaid, body: bytes) -> None:
        """Handle an answer of the agent.

        Raises:
            MalformedFrame: there is no open request.
        """
        if self._answer is None or self._answer.done():
            raise MalformedFrame("an answer without a request")
        self._answer.set_result((said, body))

    def on_lost(self) -> None:
        """Handle the loss of the session: there will be no answer."""
        if self._answer is not None:
            self._answer.cancel()

    async def _ask(self, kind: str, about: str, expected: type[_S], /, **fields: object) -> tuple[_S, bytes]:
        if self._answer is not None:
            # The previous caller can have been cancelled; its answer still arrives.
            await asyncio.wait({self._answer}, timeout=self._link.answer)
        self._link.check()
        answer = self._answer = asyncio.get_running_loop().create_future()
        await self._link.send(kind, b"", **fields)
        await asyncio.wait({answer}, timeout=self._link.answer)
        if not answer.done():
            await self._link.lose(SILENT)
        self._link.check()
        said, body = answer.result()
        if isinstance(said, RejectionFrame):
            raise SandboxFileRefused(about, body.decode("utf-8", "replace")[:_REASON])
        if not isinstance(said, expected):
            await self._link.lose(LIAR)
            raise self._link.why()
        return said, body


def _check(name: str) -> None:
    """Reject a name that the agent would reject."""
    try:
        files.parts_of(name)
    except files.FileRejected as refused:
        raise SandboxFileRefused(name, str(refused)) from None

"""Frames of an agent, and the host's end of its connection. All of it is untrusted: the code can have sent it.

Lengths are checked before anything is read, and types before anything is used.
"""

import asyncio
from typing import Annotated, Literal

import msgspec

from projectdavid.adapters.sandboxes.agent.frames import LENGTHS, MalformedFrame, check_lengths, pack

Count = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
Stream = Literal["stdout", "stderr", "terminal"]


class AgentFrame(msgspec.Struct, tag_field="type", forbid_unknown_fields=True):
    """Base class of an agent's frames."""


class WroteFrame(AgentFrame, tag="output"):
    """The body is output."""

    stream: Stream


class SkippedFrame(AgentFrame, tag="skipped"):
    """This many bytes of output were dropped between the frames before and after."""

    size: Count


class DisplayFrame(AgentFrame, tag="display"):
    """The body is a displayed value in several types, concatenated."""

    sizes: list[tuple[Annotated[str, msgspec.Meta(max_length=200)], Count]]
    result: bool


class EndFrame(AgentFrame, tag="done"):
    """A run has ended; the body is its traceback, or why the worker died."""

    status: Literal["ok", "error", "interrupted", "died"]
    exit_status: Annotated[int, msgspec.Meta(ge=0, le=255)] | None
    state_lost: bool
    dropped: Count


class StoredFrame(AgentFrame, tag="stored"):
    """The file is stored."""


class OpenedFrame(AgentFrame, tag="opened"):
    """The file can be read."""

    size: Count


class DataFrame(AgentFrame, tag="data"):
    """The body is the next chunk of a file; an empty one is its end."""


class ListingFrame(AgentFrame, tag="listing"):
    """The body is the list of files."""

    complete: bool


class RejectionFrame(AgentFrame, tag="refused"):
    """The body is the reason why a file is rejected."""


class TunnelOpened(AgentFrame, tag="tunnel_open"):
    """A program inside has connected to its proxy."""

    id: Count


class TunnelData(AgentFrame, tag="tunnel_data"):
    """The body arrived on that connection."""

    id: Count


class TunnelTaken(AgentFrame, tag="tunnel_taken"):
    """This many bytes sent over it have been read."""

    id: Count
    size: Count


class TunnelEnded(AgentFrame, tag="tunnel_end"):
    """The program sends nothing more over it."""

    id: Count


class TunnelGone(AgentFrame, tag="tunnel_gone"):
    """It was reset."""

    id: Count


Answer = StoredFrame | OpenedFrame | DataFrame | ListingFrame | RejectionFrame
OfTunnel = TunnelOpened | TunnelData | TunnelTaken | TunnelEnded | TunnelGone
AnySaid = WroteFrame | SkippedFrame | DisplayFrame | EndFrame | Answer | OfTunnel

_Name = Annotated[str, msgspec.Meta(max_length=1024)]
_Mark = Annotated[str, msgspec.Meta(max_length=100)]
Files = list[tuple[_Name, Count, _Mark, Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]]]
"""Name, size, mark and time of each file."""


class FrameStream:
    """Frames over a stream of bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._decoder = msgspec.json.Decoder[AnySaid](AnySaid)
        self._closed = False

    async def receive(self) -> tuple[AnySaid, bytes] | None:
        """Return the next frame; None at the end of the connection.

        Raises:
            MalformedFrame: it is not a valid frame of an agent.
        """
        try:
            header, body = check_lengths(*LENGTHS.unpack(await self._reader.readexactly(LENGTHS.size)))
            said = self._decoder.decode(await self._reader.readexactly(header))
            return said, await self._reader.readexactly(body)
        except (asyncio.IncompleteReadError, OSError):
            return None
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise MalformedFrame(type(error).__name__) from None

    async def send(self, kind: str, body: bytes = b"", **fields: object) -> None:
        """Send a frame; waits for backpressure. After the end of the connection, frames are dropped."""
        if self._closed:
            return
        try:
            self._writer.write(pack({"type": kind, **fields}, body))
            await self._writer.drain()
        except OSError:
            pass

    def close(self) -> None:
        """Close the connection."""
        self._closed = True
        self._writer.close()

"""What an agent may say, and the host's end of the line to it. Whatever comes over it may have been made by the code.

Lengths are looked at before anything is read, and types before anything is believed.
"""

import asyncio
from typing import Annotated, Literal

import msgspec

from projectdavid.sandboxes.agent.frames import LENGTHS, Malformed, measured, pack

Count = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
Stream = Literal["stdout", "stderr", "terminal"]


class Said(msgspec.Struct, tag_field="type", forbid_unknown_fields=True):
    """What every frame of an agent is."""


class Wrote(Said, tag="output"):
    """The body was written."""

    stream: Stream


class Showed(Said, tag="display"):
    """The body is a thing as several types, one behind the other."""

    sizes: list[tuple[Annotated[str, msgspec.Meta(max_length=200)], Count]]
    result: bool


class Ended(Said, tag="done"):
    """A run is over; the body is its traceback, or says why the worker died."""

    status: Literal["ok", "error", "interrupted", "died"]
    exit_status: Annotated[int, msgspec.Meta(ge=0, le=255)] | None
    state_lost: bool
    dropped: Count


class Stored(Said, tag="stored"):
    """The file is there."""


class Opened(Said, tag="opened"):
    """The file can be read."""

    size: Count


class Data(Said, tag="data"):
    """The body is the next piece of a file; none is its end."""


class Listed(Said, tag="listing"):
    """The body lists the files."""

    complete: bool


class Declined(Said, tag="refused"):
    """The body says why a file is not taken, or not given."""


class TunnelOpened(Said, tag="tunnel_open"):
    """A program inside has connected to its proxy."""

    id: Count


class TunnelData(Said, tag="tunnel_data"):
    """The body came over that connection."""

    id: Count


class TunnelTaken(Said, tag="tunnel_taken"):
    """So many bytes of what was sent over it have been taken."""

    id: Count
    size: Count


class TunnelEnded(Said, tag="tunnel_end"):
    """The program sends no more over it."""

    id: Count


class TunnelGone(Said, tag="tunnel_gone"):
    """It is broken off."""

    id: Count


Answer = Stored | Opened | Data | Listed | Declined
OfTunnel = TunnelOpened | TunnelData | TunnelTaken | TunnelEnded | TunnelGone
AnySaid = Wrote | Showed | Ended | Answer | OfTunnel

Files = list[tuple[Annotated[str, msgspec.Meta(max_length=1024)], Count, Annotated[str, msgspec.Meta(max_length=100)]]]
"""Name, size and mark of each."""


class Line:
    """Frames over a stream of bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._decoder = msgspec.json.Decoder[AnySaid](AnySaid)
        self._closed = False

    async def receive(self) -> tuple[AnySaid, bytes] | None:
        """The next frame; None: the line has ended.

        Raises:
            Malformed: what came is none, or is nothing that an agent may say.
        """
        try:
            header, body = measured(*LENGTHS.unpack(await self._reader.readexactly(LENGTHS.size)))
            said = self._decoder.decode(await self._reader.readexactly(header))
            return said, await self._reader.readexactly(body)
        except (asyncio.IncompleteReadError, OSError):
            return None
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise Malformed(type(error).__name__) from None

    async def send(self, kind: str, body: bytes = b"", **fields: object) -> None:
        """Send a frame; waits while too much is under way. A line that has ended takes it and forgets it."""
        if self._closed:
            return
        try:
            self._writer.write(pack({"type": kind, **fields}, body))
            await self._writer.drain()
        except OSError:
            pass

    def close(self) -> None:
        """End it."""
        self._closed = True
        self._writer.close()

"""The output of terminals as bytes, for other processes of the installation."""

import msgspec

from projectdavid.ports.terminal import CommandCompleted, FileMade, Sight, TerminalLost, TerminalOutput
from projectdavid.ports.tool import ToolFile


def encode_sight(sight: Sight) -> bytes:
    """Serialize a piece of output."""
    match sight:
        case TerminalOutput(data, position):
            frame = ("output", data, position)
        case CommandCompleted(command, exit_status):
            frame = ("completed", command, exit_status)
        case FileMade(file):
            frame = ("file", file)
        case TerminalLost():
            frame = ("lost",)
    return msgspec.msgpack.encode(frame)


def decode_sight(frame: bytes) -> Sight | None:
    """Parse a piece of output; None if it has a kind that only a later version knows.

    Raises:
        msgspec.MsgspecError: it is not a frame.
    """
    match msgspec.msgpack.decode(frame):
        case ["output", bytes(data), int(position)]:
            return TerminalOutput(data, position)
        case ["completed", str(command), int() | None as exit_status]:
            return CommandCompleted(command, exit_status)
        case ["file", file]:
            return FileMade(msgspec.convert(file, ToolFile))
        case ["lost"]:
            return TerminalLost()
        case _:
            return None

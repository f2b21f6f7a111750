"""The terminal of a thread: the ticket that lets somebody watch it, and the frames of what it shows."""

from typing import Literal

from pydantic import ConfigDict

from projectdavid.protocol.base import Answer


class ComputerSession(Answer):
    """A ticket to watch a thread's terminal: `token` opens a connection to `ws_url` for 30 seconds."""

    room_id: str
    """The thread."""
    token: str
    ws_url: str


class ShellOutput(Answer):
    """What the terminal showed next.

    `content` holds escapes for colours and the cursor, and none that act on the terminal of whoever watches.
    `position` is where it ends, in bytes of the session; `lost` bytes before it were not kept for who was too slow.
    """

    type: Literal["shell_output"] = "shell_output"
    content: str
    position: int
    lost: int = 0


class CommandComplete(Answer):
    """A command is over; without an exit status, the shell died."""

    type: Literal["command_complete"] = "command_complete"
    command: str
    exit_status: int | None = None


class ComputerFile(Answer):
    """A command made or changed a file, which is yours now."""

    type: Literal["computer_file"] = "computer_file"
    file_id: str
    filename: str
    mime_type: str
    size: int


class UnknownFrame(Answer):
    """A frame of a kind that this version does not know."""

    model_config = ConfigDict(extra="allow", frozen=True)

    type: str


TerminalFrame = ShellOutput | CommandComplete | ComputerFile | UnknownFrame

FRAMES: dict[str, type[ShellOutput] | type[CommandComplete] | type[ComputerFile]] = {
    "shell_output": ShellOutput,
    "command_complete": CommandComplete,
    "computer_file": ComputerFile,
}
"""The class of each `type`; any other type is an `UnknownFrame`."""

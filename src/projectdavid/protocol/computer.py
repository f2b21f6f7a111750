"""The terminal of a thread: the ticket to watch it, and the frames of its output."""

from typing import Literal

from pydantic import ConfigDict

from projectdavid.protocol.base import Answer


class ComputerSession(Answer):
    """A ticket to watch a thread's terminal: `token` opens a connection to `ws_url` for 30 seconds."""

    room_id: str
    """The thread's id."""
    token: str
    ws_url: str


class ShellOutput(Answer):
    """More output of the terminal.

    `content` contains escape sequences for colors and the cursor, and none that can control the viewer's terminal.
    `position` is where it ends, in bytes of the session; `lost` bytes before it were dropped because the viewer was too
    slow.
    """

    type: Literal["shell_output"] = "shell_output"
    content: str
    position: int
    lost: int = 0


class CommandComplete(Answer):
    """A command has ended; without an exit status, the shell died."""

    type: Literal["command_complete"] = "command_complete"
    command: str
    exit_status: int | None = None


class ComputerFile(Answer):
    """A command created or changed a file, which now belongs to you."""

    type: Literal["computer_file"] = "computer_file"
    file_id: str
    filename: str
    mime_type: str
    size: int


class UnknownFrame(Answer):
    """A frame of a type that this version does not know."""

    model_config = ConfigDict(extra="allow", frozen=True)

    type: str


TerminalFrame = ShellOutput | CommandComplete | ComputerFile | UnknownFrame

FRAMES: dict[str, type[ShellOutput] | type[CommandComplete] | type[ComputerFile]] = {
    "shell_output": ShellOutput,
    "command_complete": CommandComplete,
    "computer_file": ComputerFile,
}
"""The class of each `type`; any other type is an `UnknownFrame`."""

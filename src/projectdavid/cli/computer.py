"""`projectdavid computer`."""

import sys
from contextlib import closing

import typer

from projectdavid.cli.connections import connect
from projectdavid.cli.declarations import command, new_group
from projectdavid.cli.options import AsJson, ThreadId
from projectdavid.cli.output import note

app = new_group(
    "The shells of threads, in which the tool `computer` works.",
    "projectdavid computer watch thread_w4VuJuLjkHLrYK6O8LhbGx",
)

_AS_IT_WAS = "\x1b[r\x1b[?1049l\x1b[?25h\x1b[m"
"""Restores the terminal after an interrupted program: scroll region, alternate screen, cursor, colors."""


@command(
    app,
    "watch",
    "projectdavid computer watch thread_w4VuJuLjkHLrYK6O8LhbGx",
    "projectdavid computer watch thread_w4VuJuLjkHLrYK6O8LhbGx --json | jq -c 'select(.type == \"computer_file\")'",
)
def watch(thread_id: ThreadId, as_json: AsJson = False) -> None:
    """Watch a thread's terminal live; Ctrl-C stops. With --json, print one frame per line."""
    with connect() as client, closing(client.computer.watch(thread_id)) as frames:
        try:
            for frame in frames:
                if as_json:
                    typer.echo(frame.json())
                else:
                    _show(frame.dict())
        except KeyboardInterrupt:
            pass
        finally:
            if sys.stdout.isatty() and not as_json:
                sys.stdout.write(_AS_IT_WAS)
                sys.stdout.flush()


def _show(frame: dict[str, object]) -> None:
    match frame:
        case {"type": "shell_output", "content": str(content)}:
            # Printed unchanged: the server has removed unsafe escape sequences.
            sys.stdout.write(content)
            sys.stdout.flush()
        case {"type": "command_complete", "exit_status": None}:
            note("[the shell died]")
        case {"type": "command_complete", "exit_status": status} if status != 0:
            note(f"[exit {status}]")
        case {"type": "computer_file", "filename": name, "file_id": file_id}:
            note(f"[file {name}: {file_id}]")
        case _:
            pass

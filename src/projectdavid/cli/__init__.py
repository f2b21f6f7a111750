"""The commands: `projectdavid serve`, `demo`, `chat` and the others. Needs the extra `[server]`."""

import sys
from io import TextIOWrapper

SDK_ONLY = """\
This is the SDK only: `from projectdavid import Entity` works, the commands need {missing}.
Install them, in a checkout of this project, with: pip install '.[server]'
"""


def main() -> None:
    """The `projectdavid` command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # A terminal that lacks a letter shows a question mark.
    try:
        from projectdavid.cli.app import run
    except ImportError as error:
        if (error.name or "").startswith("projectdavid"):
            raise
        sys.stderr.write(SDK_ONLY.format(missing=error.name))
        sys.exit(1)
    sys.exit(run())

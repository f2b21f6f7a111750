"""The agent over stdin and stdout, for adapters that can start a program and nothing more: `python -I agent ...`."""

import argparse
import os
import sys
from pathlib import Path

if not __package__:  # the folder itself was started
    _here = Path(__file__).resolve().parent
    sys.path[:] = [place for place in sys.path if Path(place or ".").resolve() != _here]
    sys.path.insert(0, str(_here.parent))
    __package__ = _here.name
    __import__(__package__)
    sys.path.pop(0)

from .serving import serve
from .warming import LIBRARIES, warm


def main() -> None:
    """Serve one session."""
    parser = argparse.ArgumentParser(prog="agent", description=__doc__)
    parser.add_argument("--kind", choices=("python", "shell"), default="python")
    parser.add_argument("--root", default="/mnt/data", help="the folder of files")
    parser.add_argument("--scratch", default="/tmp", help="the folder of what nobody keeps")  # noqa: S108
    parser.add_argument("--limit", action="append", default=[], metavar="NAME=NUMBER")
    parser.add_argument("--warm", action="store_true", help="import the scientific libraries first")
    options = parser.parse_args()
    limits = {name: int(value) for name, _, value in (one.partition("=") for one in options.limit)}
    read_fd, write_fd = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    os.close(nothing)
    if options.warm:
        warm(LIBRARIES)
    serve(read_fd, write_fd, options.kind, limits, options.root, options.scratch)


if __name__ == "__main__":
    main()

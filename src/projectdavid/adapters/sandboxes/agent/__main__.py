"""The agent over stdin and stdout, for adapters that can only start a program: `python -I agent ...`."""

import argparse
import importlib
import os
import sys
from pathlib import Path
from types import ModuleType

_HERE = Path(__file__).resolve().parent


def _package() -> ModuleType:
    """Return the package of this folder, which has no name yet if the folder itself was started."""
    if __package__:
        return importlib.import_module(__package__)
    sys.path[:] = [str(_HERE.parent), *(place for place in sys.path if Path(place or ".").resolve() != _HERE)]
    try:
        return importlib.import_module(_HERE.name)
    finally:
        del sys.path[0]


def main() -> None:
    """Serve one session."""
    parser = argparse.ArgumentParser(prog="agent", description=__doc__)
    parser.add_argument("--kind", choices=("python", "shell"), default="python")
    parser.add_argument("--root", default="/mnt/data", help="the folder of files")
    parser.add_argument("--scratch", default="/tmp", help="the folder of temporary files")  # noqa: S108
    parser.add_argument("--limit", action="append", default=[], metavar="NAME=NUMBER")
    parser.add_argument("--warm", action="store_true", help="import the scientific libraries first")
    options = parser.parse_args()
    limits = {name: int(value) for name, _, value in (one.partition("=") for one in options.limit)}
    read_fd, write_fd = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    os.close(nothing)
    agent = _package()
    if options.warm:
        agent.warm()
    agent.serve(read_fd, write_fd, options.kind, limits, options.root, options.scratch)


if __name__ == "__main__":
    main()

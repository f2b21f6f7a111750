"""The commands: `projectdavid serve`, `demo`, `chat` and the others. Needs the extra `[server]`."""

import gc
import sys
from io import TextIOWrapper

import projectdavid
from projectdavid.distribution import REMEDY, explain_other_distribution, find_other_distribution

SDK_ONLY = """\
This is the SDK only: `from projectdavid import Entity` works, the commands need {missing}.
Install them, in a checkout of this project, with: pip install '.[server]'
"""


def main() -> None:
    """The `projectdavid` command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(
                errors="replace"
            )  # Characters that the terminal cannot encode are printed as question marks.
    if not hasattr(projectdavid, "__version__") and (other := find_other_distribution()):
        # Installed after this one, the other distribution has replaced `projectdavid/__init__.py`.
        sys.stderr.write(f"error: {explain_other_distribution(other)}.\n  {REMEDY}\n")
        sys.exit(1)
    gc.disable()  # what is imported stays, and looking for garbage in it takes a tenth of the time
    try:
        from projectdavid.cli.app import run
    except ImportError as error:
        if (error.name or "").startswith("projectdavid"):
            raise
        sys.stderr.write(SDK_ONLY.format(missing=error.name))
        sys.exit(1)
    gc.freeze()
    gc.enable()
    sys.exit(run())

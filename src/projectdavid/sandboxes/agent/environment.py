"""The environment of the code: little, and nothing of the host's."""

import os
import sys
from pathlib import Path

_ONE_THREAD = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
"""Threads that libraries start while they are imported would be in the way of a fork."""


def environment(root: str, scratch: str, proxy: int | None) -> dict[str, str]:
    """What the worker, and so the programs that it starts, find in their environment.

    `HOME` is the scratch folder: what programs leave at home are no files that anybody asked for.
    """
    found = {
        "PATH": os.pathsep.join((str(Path(sys.executable).parent), "/usr/local/bin", "/usr/bin", "/bin")),
        "HOME": scratch,
        "TMPDIR": scratch,
        "PWD": root,
        "USER": "sandbox",
        "LANG": "C.UTF-8",
        "MPLBACKEND": "Agg",
        "MPLCONFIGDIR": f"{scratch}/.matplotlib",
        "PYTHONDONTWRITEBYTECODE": "1",
        **dict.fromkeys(_ONE_THREAD, "1"),
    }
    if proxy is not None:
        url = f"http://127.0.0.1:{proxy}"
        found |= dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), url)
        found |= dict.fromkeys(("no_proxy", "NO_PROXY"), "localhost,127.0.0.1,::1")
    return found


def replace(wanted: dict[str, str]) -> None:
    """Make this the environment of this process."""
    os.environ.clear()
    os.environ.update(wanted)

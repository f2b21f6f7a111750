"""Places of their own for third-party clients, each made once per machine, however many processes ask for it."""

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest


def environment(*packages: str) -> Path:
    """The Python interpreter that has these packages, each named with its version."""

    def fill(folder: Path) -> None:
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder / "venv"], check=True)
        python = folder / "venv" / "bin" / "python"
        subprocess.run(
            [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages], check=True
        )

    version = f"py{sys.version_info.major}.{sys.version_info.minor}"
    return _made([*packages, version], fill) / "venv" / "bin" / "python"


def node_folder(*packages: str) -> Path:
    """The folder whose `node_modules` have these packages, each named with its version."""
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.skip("there is no Node here")

    def fill(folder: Path) -> None:
        # Without a package.json of its own, npm would look for one in the folders above.
        (folder / "package.json").write_text('{"private": true}')
        subprocess.run(
            ["npm", "install", "--silent", "--no-audit", "--no-fund", "--no-package-lock", *packages],
            cwd=folder,
            check=True,
        )

    return _made([*packages, "node"], fill)


def _made(names: list[str], fill: Callable[[Path], None]) -> Path:
    """The folder of these names, filled."""
    plain = "-".join(name.replace("==", "-").replace("@", "-").replace("/", "-") for name in names)
    folder = Path(tempfile.gettempdir()) / f"compat-{os.getuid()}-{plain}"
    folder.mkdir(mode=0o700, exist_ok=True)
    ready = folder / "ready"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not ready.exists():
            fill(folder)
            ready.touch()
    return folder

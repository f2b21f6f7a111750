"""Places of their own for third-party clients, each made once per machine, however many processes ask for it."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

VERSION = f"py{sys.version_info.major}.{sys.version_info.minor}"


def environment(*packages: str) -> Path:
    """The Python interpreter that has these packages, each named with its version."""
    return _python(made([*packages, VERSION], lambda folder: _install(folder, *packages)))


def pinned(requirements: Path) -> Path:
    """The Python interpreter that has what a file of requirements pins; another one where the pins change."""
    pins = hashlib.sha256(requirements.read_bytes()).hexdigest()[:12]
    names = [requirements.stem, pins, VERSION]
    return _python(made(names, lambda folder: _install(folder, "--requirement", str(requirements.resolve()))))


def _python(folder: Path) -> Path:
    return folder / "venv" / "bin" / "python"


def _install(folder: Path, *what: str) -> None:
    """With uv where it is: it takes seconds where pip takes minutes."""
    uv = Path(sys.executable).with_name("uv")
    if uv.exists():
        make = [uv, "venv", "--quiet", "--clear", "--python", sys.executable, folder / "venv"]
        install = [uv, "pip", "install", "--quiet", "--python", _python(folder)]
    else:
        make = [sys.executable, "-m", "venv", "--clear", folder / "venv"]
        install = [_python(folder), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    # Not in the folder of the project, whose settings for uv are not meant for others.
    subprocess.run(make, cwd=folder, check=True)
    subprocess.run([*install, *what], cwd=folder, check=True)


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

    return made([*packages, "node"], fill)


def made(names: list[str], fill: Callable[[Path], None]) -> Path:
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

"""The environment with the libraries for code: installed once, separate from that of the server."""

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

REQUIREMENTS: Final = Path(__file__).with_name("libraries.txt")
"""The libraries, each with its version and hashes."""
FOLDER: Final = "sandbox-python"
"""The folder of environments, in the data folder of a server."""
_COMPLETE: Final = ".complete"
"""A file that marks a complete installation: an environment without it is not used."""
_KEPT: Final = 2
"""Environments to keep: this one, and the one that a running server can still use."""


class InstallError(Exception):
    """The libraries cannot be installed; the message says why, and what to do."""


def find_python(folder: Path) -> Path | None:
    """Return the interpreter of the environment below a folder: of this version, or the newest; None if missing."""
    environments = [path.parent for path in folder.glob(f"*/{_COMPLETE}")]
    wanted = folder / _name()
    if wanted not in environments:
        wanted = max(environments, key=lambda path: (path / _COMPLETE).stat().st_mtime, default=wanted)
    python = wanted / "bin" / "python"
    return python if wanted in environments and python.exists() else None


def is_current(python: Path) -> bool:
    """True if an interpreter belongs to the environment that this version installs."""
    return python.parents[1].name == _name()


def install(folder: Path, wheels: Path | None, report: Callable[[str], None]) -> Path:
    """Create an environment below a folder, install the libraries, and return its interpreter.

    Args:
        wheels: a folder with the wheels, if there is no network.
        report: called with progress messages.

    Raises:
        InstallError: the installation failed.
    """
    target = folder / _name()
    python = target / "bin" / "python"
    if find_python(folder) == python:
        return python
    report(f"making {target}")
    folder.mkdir(parents=True, exist_ok=True)
    _run([sys.executable, "-m", "venv", "--clear", "--without-pip", str(target)])
    report("installing the libraries")
    source = [] if wheels is None else ["--no-index", "--find-links", str(wheels.resolve())]
    _run(
        [*_installer(python), "--require-hashes", "--only-binary", ":all:", *source, "--requirement", str(REQUIREMENTS)]
    )
    (target / _COMPLETE).touch()
    complete = sorted(folder.glob(f"*/{_COMPLETE}"), key=lambda path: path.stat().st_mtime, reverse=True)
    for old in complete[_KEPT:]:
        shutil.rmtree(old.parent, ignore_errors=True)
    return python


def _name() -> str:
    """Return the folder name of the environment, which depends on the libraries and the Python version."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    return f"{version}-{hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()[:12]}"


def _installer(python: Path) -> Sequence[str]:
    """Return the installation command: uv if available, because it is faster, else pip."""
    beside = Path(sys.executable).with_name("uv")
    if uv := (str(beside) if beside.exists() else shutil.which("uv")):
        # Sessions cannot write there: without bytecode, each import would compile its module again.
        return [uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", str(python)]
    return [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--disable-pip-version-check"]


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines()
        raise InstallError("\n".join(lines[-12:]) or f"{command[0]} failed with exit status {done.returncode}")

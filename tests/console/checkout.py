"""Copies of the checkout, as someone has them who cloned the repository."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.timeouts import PROCESS_TIMEOUT

ROOT = Path(__file__).resolve().parents[2]
UV = str(Path(sys.executable).with_name("uv"))
FILES = ("Makefile", "pyproject.toml", "uv.lock", "README.md", "LICENSE", "CHANGELOG.md", "ARCHITECTURE.md")
FOLDERS = ("console", "scripts", "src")
IGNORED = ("node_modules",)
NO_NODE = {"PROJECTDAVID_NODE": "/nonexistent"}


def copy_checkout(folder: Path, *, built: bool) -> Path:
    """Copy the sources, and the built console with them or not."""
    folder.mkdir()
    for name in FILES:
        shutil.copy2(ROOT / name, folder / name)
    ignored = shutil.ignore_patterns(*IGNORED, *(() if built else ("dist",)))
    for name in FOLDERS:
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    return folder


def add_environment(folder: Path) -> None:
    """Give a copy the environment of the tests, as `make setup` would, with stamps of its own."""
    real, own = Path(sys.prefix), folder / ".venv"
    own.mkdir()
    for name in ("bin", "lib", "pyvenv.cfg"):
        (own / name).symlink_to(real / name)
    (own / ".synced").touch()


def run(folder: Path, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder to its end."""
    return subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=PROCESS_TIMEOUT,
        check=False,
    )


def build(folder: Path, kind: str, output: Path) -> tuple[Path, str]:
    """Build a package of a copy without Node; returns its file, and what the build printed.

    The build tool is in the cache since the setup of this environment, so the network is asked only if it is not.
    """
    command = (UV, "build", f"--{kind}", "--out-dir", str(output), ".")
    done = run(folder, *command, "--offline", **NO_NODE)
    if done.returncode != 0:
        done = run(folder, *command, **NO_NODE)
    assert done.returncode == 0, done.stderr
    (made,) = (path for path in output.iterdir() if path.suffix == {"sdist": ".gz", "wheel": ".whl"}[kind])
    return made, done.stderr

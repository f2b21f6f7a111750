"""Environments for third-party clients, each built once per checkout, however many processes ask for it.

They live in `.venv`, so that a fresh clone builds its own, and are named by the hash of all that they are made from.
"""

import fcntl
import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

from tests.programs import registry_environment, require_programs

FOLDER = Path(__file__).resolve().parents[2] / ".venv" / "environments"
UV = Path(sys.executable).with_name("uv")
LATEST = "2026-11-21T00:00:00Z"
"""Younger releases are ignored, so that what the named packages depend on stays the same; move it with the versions."""


def environment(*packages: str) -> Path:
    """Return the Python interpreter that has these packages, each named with its version."""
    return _python(list(packages), packages)


def pinned(requirements: Path) -> Path:
    """Return the Python interpreter that has what a file of requirements pins."""
    return _python(requirements.read_text("utf-8"), ["--requirement", str(requirements.resolve())])


def _python(packages: list[str] | str, arguments: Sequence[str]) -> Path:
    """Build a virtual environment with uv, which takes seconds where pip takes minutes."""

    def fill(folder: Path) -> None:
        venv = [UV, "venv", "--quiet", "--clear", "--python", sys.executable, folder / "venv"]
        subprocess.run(venv, cwd=folder, check=True)
        # Without a date of its own, uv would use that of the project, which moves with other packages.
        install = [UV, "pip", "install", "--quiet", "--python", python(folder), "--exclude-newer", LATEST]
        subprocess.run([*install, *arguments], cwd=folder, env=registry_environment(), check=True)

    def python(folder: Path) -> Path:
        return folder / "venv" / "bin" / "python"

    def works(folder: Path) -> bool:
        return _run(UV, "pip", "check", "--quiet", "--python", python(folder), cwd=folder) is not None

    recipe = {
        "python": [sys.version, sys.base_prefix],
        "uv": _run(UV, "--version"),
        "latest": LATEST,
        "packages": packages,
    }
    return python(cached({**recipe, "arguments": arguments}, fill, works))


def node_folder(*packages: str) -> Path:
    """Return the folder whose `node_modules` have these packages, each named with its version."""
    require_programs("node", "npm")

    def fill(folder: Path) -> None:
        # Without a package.json of its own, npm would look for one in the folders above.
        (folder / "package.json").write_text('{"private": true}')
        install = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--no-package-lock", *packages]
        subprocess.run(install, cwd=folder, env=registry_environment(), check=True)

    def works(folder: Path) -> bool:
        return _run("npm", "ls", "--silent", *packages, cwd=folder) is not None

    recipe = {"node": _run("node", "--version"), "npm": _run("npm", "--version"), "packages": packages}
    return cached(recipe, fill, works)


def locked(packages: Path) -> Path:
    """Return the `node_modules` that a `package-lock.json` names, each package checked against its hash.

    Optional packages are left out, and no package runs scripts. With `--force` a lock can hold binaries of several
    platforms.
    """
    require_programs("node", "npm")
    names = ("package.json", "package-lock.json")

    def fill(folder: Path) -> None:
        for name in names:
            shutil.copy(packages / name, folder)
        install = ["npm", "ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--omit=optional", "--force"]
        subprocess.run(install, cwd=folder, env=registry_environment(), check=True)

    def works(folder: Path) -> bool:
        return _run("npm", "ls", "--silent", "--all", "--omit=optional", cwd=folder) is not None

    recipe = {"node": _run("node", "--version"), "npm": _run("npm", "--version")}
    locks = {name: (packages / name).read_text("utf-8") for name in names}
    return cached({**recipe, "locks": locks}, fill, works) / "node_modules"


def cached(recipe: dict[str, object], fill: Callable[[Path], None], works: Callable[[Path], bool]) -> Path:
    """Return the folder made from this recipe. It is filled if that was never finished, or if it no longer works."""
    text = json.dumps(recipe, sort_keys=True)
    folder = FOLDER / hashlib.sha256(text.encode()).hexdigest()[:16]
    folder.mkdir(parents=True, exist_ok=True)
    complete = folder / "recipe.json"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (complete.exists() and works(folder)):
            complete.unlink(missing_ok=True)
            fill(folder)
            complete.write_text(text)
    return folder


@cache
def _run(*command: str | Path, cwd: Path | None = None) -> str | None:
    """Return what a command prints, or None if it fails."""
    try:
        done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None

"""What the tests need from the system besides Python."""

import os
import shutil
from pathlib import Path

import pytest

PACKAGES = {
    "chromium": "chromium",
    "curl": "curl",
    "git": "git",
    "initdb": "postgresql",
    "jq": "jq",
    "make": "make",
    "nats-server": "nats-server",
    "node": "nodejs",
    "npm": "npm",
}
"""Programs, and the packages of Debian and Ubuntu that have them."""
FOLDERS = {"initdb": "/usr/lib/postgresql/*/bin", "nats-server": "/usr/sbin"}
"""Where programs are installed that are not in everyone's PATH; of several versions, the newest counts."""

CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR")
"""Variables that say where the certificates are that clients trust."""


def find_program(name: str) -> Path | None:
    """Return the path of a program, None if it is not installed."""
    if (found := shutil.which(name)) is not None:
        return Path(found)
    paths = Path("/").glob(f"{FOLDERS[name].removeprefix('/')}/{name}") if name in FOLDERS else ()
    return max(paths, key=_version, default=None)


def _version(path: Path) -> float:
    return max((float(part) for part in path.parts if part.replace(".", "", 1).isdigit()), default=0.0)


def require_programs(*names: str) -> None:
    """Skip the test if a program is missing and name the remedy; with `TEST_REQUIRE_PROGRAMS`, as in CI, fail it."""
    missing = [name for name in names if find_program(name) is None]
    if not missing:
        return
    packages = " ".join(PACKAGES[name] for name in missing)
    message = f"This test needs {', '.join(missing)}. Install it (Debian, Ubuntu: apt-get install {packages})."
    if os.environ.get("TEST_REQUIRE_PROGRAMS"):
        pytest.fail(message)
    pytest.skip(message)


def forget_certificates() -> None:
    """Have clients of this process and its children trust one authority: to read all of a system's takes each 30 ms.

    The authority signs nothing. Without any, some clients do not start.
    """
    for name in CERTIFICATES:
        os.environ.setdefault(f"TEST_{name}", os.environ.get(name, ""))  # kept for processes that start others
        os.environ.pop(name, None)
    os.environ["SSL_CERT_FILE"] = str(Path(__file__).with_name("authority.pem"))


def registry_environment() -> dict[str, str]:
    """Return the environment of programs that ask a package registry: they trust what the system trusts."""
    environment = {name: value for name, value in os.environ.items() if name not in CERTIFICATES}
    return environment | {name: kept for name in CERTIFICATES if (kept := os.environ.get(f"TEST_{name}"))}

"""One process of a server for all tests of this folder, with short limits."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.processes import COMMAND, surroundings
from tests.http.raw import Target
from tests.timeouts import PROCESS_TIMEOUT

ORIGIN = "http://localhost:3000"
SETTINGS = {
    "max_body": 65_536,
    "max_large_body": 131_072,
    "max_head": 8192,
    "max_headers": 40,
    "head_timeout": 2,
    "body_timeout": 2,
    "connection_idle_timeout": 4,
    "cors_origins": json.dumps([ORIGIN, "app://desktop"]),
    "log_level": "info",
    "sandbox": "off",
    "disk_reserve_mb": 0,
}


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which the server is started."""
    return tmp_path_factory.mktemp("http")


@pytest.fixture(scope="session")
def target(home: Path) -> Iterator[Target]:
    """The server, and the key of an ordinary user."""
    environment = {f"PROJECTDAVID_{name.upper()}": str(value) for name, value in SETTINGS.items()}
    command = (COMMAND, "serve", "--port", "0", "--data", "data", "--json")
    with (
        (home / "log").open("wb") as log,
        subprocess.Popen(
            command, cwd=home, env=surroundings(home, **environment), stdout=subprocess.PIPE, stderr=log
        ) as process,
    ):
        try:
            assert process.stdout is not None
            told = json.loads(process.stdout.readline())
            yield Target(told["url"], json.loads(Path(told["credentials"]).read_text("utf-8"))["api_key"])
            process.terminate()
            assert process.wait(PROCESS_TIMEOUT) == 0
        finally:
            process.kill()
    assert "Traceback" not in logged(home)


def logged(home: Path) -> str:
    """What the server has written to its log."""
    return (home / "log").read_text("utf-8")
